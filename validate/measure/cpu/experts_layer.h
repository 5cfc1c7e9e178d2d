#pragma once
// A whole expert layer: routing, sort, gather, products, activation, weighted sum.

#include <cstdint>
#include <string>
#include <vector>

#include "validate/measure/cpu/aligned.h"
#include "validate/measure/cpu/experts.h"
#include "validate/measure/cpu/kernels/experts.h"
#include "validate/measure/cpu/kernels/gather.h"

namespace sparsesim::measure {

struct LayerSizes {
  std::int64_t tokens = 0, hidden = 0, intermediate = 0, experts = 1, top_k = 1;
  bool gated = true;
  std::string routing = "balanced";

  std::int64_t slots() const { return tokens * top_k; }
  /// Columns of the first product.
  std::int64_t up_width() const { return intermediate * (gated ? 2 : 1); }
  /// Elements of one expert's weights.
  std::int64_t expert_elements() const { return hidden * (up_width() + intermediate); }
};

/// fp32. Weights are scaled so that a token's elements stay near 1 from product to product.
struct LayerOperands {
  Buffer<float> tokens;  // [tokens, hidden]
  Buffer<float> logits;  // [tokens, experts]
  Buffer<float> up;      // [experts, hidden, up_width]: gate, then up
  Buffer<float> down;    // [experts, intermediate, hidden]
};

/// Logits follow the routing's law: each expert is the choice of as many tokens as draw_counts() says.
LayerOperands draw_layer(const LayerSizes& sizes, std::uint64_t seed);

/// Slots sorted by expert: slot i holds token source[i]; token t's choices stand at places[t, top_k].
struct ExpertOrder {
  std::vector<std::int64_t> counts;  // [experts]
  std::vector<std::int64_t> source;  // [slots]
  std::vector<std::int64_t> places;  // [tokens, top_k]
};
/// Counting sort of chosen experts [tokens, top_k].
void sort_by_expert(const LayerSizes& sizes, const std::vector<std::int32_t>& chosen, ExpertOrder& order);

/// The layer by one library's products, with room for what lies between them.
class ExpertLayer {
 public:
  /// Errors: NotHere.
  ExpertLayer(const std::string& library, const LayerSizes& sizes, const CpuContext& context);
  /// Weights of all experts in the library's layout.
  Buffer<std::byte> prepare_up(const Buffer<float>& up);
  Buffer<std::byte> prepare_down(const Buffer<float>& down);
  /// results[tokens, hidden]; weights as prepared.
  void run(const float* tokens, const float* logits, const std::byte* up, const std::byte* down, float* results);

 private:
  void gather_tokens(const float* tokens);
  void activate();
  void add_up(float* results);
  LayerSizes sizes_;
  int threads_;
  const ExpertKernels& kernels_;
  const GatherKernels& gathers_;
  ExpertProducts up_, down_;
  std::vector<std::int32_t> chosen_;  // [tokens, top_k]
  Buffer<float> shares_;              // [tokens, top_k]
  ExpertOrder order_;
  Buffer<float> rows_, between_, activated_, by_slot_;  // [slots, hidden | up_width | intermediate | hidden]
};

/// The dense layer as wide as all experts: every token through all of them, all counted once.
class WideLayer {
 public:
  /// Errors: NotHere.
  WideLayer(const std::string& library, const LayerSizes& sizes, const CpuContext& context);
  Buffer<std::byte> prepare_up(const Buffer<float>& up);
  Buffer<std::byte> prepare_down(const Buffer<float>& down);
  /// results[tokens, hidden]; weights as prepared.
  void run(const float* tokens, const std::byte* up, const std::byte* down, float* results);

 private:
  std::int64_t width() const { return sizes_.experts * sizes_.intermediate; }
  LayerSizes sizes_;
  int threads_;
  const ExpertKernels& kernels_;
  std::unique_ptr<DenseKernel> up_, down_;
  Buffer<float> between_, activated_;  // [tokens, 2 width | width]
};

/// Largest error of results over the tolerance, on tokens drawn by `seed` that have 4096 results (all where there are
/// no more), in double precision. every_expert: as the wide layer.
double layer_error(const LayerSizes& sizes, const LayerOperands& operands, const float* results, bool every_expert,
                   std::uint64_t seed);

}  // namespace sparsesim::measure
