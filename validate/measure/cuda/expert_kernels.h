#pragma once
// Kernels of an expert layer around its grouped products.

#include <cuda_runtime_api.h>

#include <cstdint>

#include "validate/measure/cuda/element_type.h"
#include "validate/measure/cuda/host_device.h"

namespace sparsesim::measure {

constexpr std::int64_t kExpertsMost = 1024, kTopMost = 32;

/// Sizes of one expert layer. Slots are pairs of a token and one of its experts.
struct ExpertLayer {
  std::int32_t tokens = 0, hidden = 0, intermediate = 0, experts = 0, top_k = 0;
  bool gated = true;
  Type type = Type::bf16;
  constexpr std::int64_t slots() const { return std::int64_t{tokens} * top_k; }
  constexpr std::int64_t up_width() const { return std::int64_t{intermediate} * (gated ? 2 : 1); }
};

/// Arrays of one call, all row-major on the device.
struct ExpertArrays {
  const void* x = nullptr;           // [tokens, hidden]
  const float* logits = nullptr;     // [tokens, experts]
  std::int32_t* chosen = nullptr;    // [tokens, top_k] experts
  float* share = nullptr;            // [tokens, top_k] softmax of the chosen logits
  std::int32_t* slot_of = nullptr;   // [tokens, top_k] place in the order of experts
  std::int32_t* token_of = nullptr;  // [slots] token of each place
  void* gathered = nullptr;          // [slots, hidden]
  void* inner = nullptr;             // [slots, up_width]: gate, then up
  void* activated = nullptr;         // [slots, intermediate]
  void* down = nullptr;              // [slots, hidden]
  void* out = nullptr;               // [tokens, hidden]
};

/// Softmax and top-k of the logits: one warp a token. At most kExpertsMost experts, kTopMost of them taken.
cudaError_t route_tokens(const ExpertLayer& layer, const ExpertArrays& arrays, cudaStream_t stream);
/// Orders slots by expert (counting sort in one CTA): slot_of and token_of.
cudaError_t sort_slots(const ExpertLayer& layer, const ExpertArrays& arrays, cudaStream_t stream);
/// gathered[p] = x[token_of[p]]. hidden is a multiple of 8.
cudaError_t gather_tokens(const ExpertLayer& layer, const ExpertArrays& arrays, cudaStream_t stream);
/// activated = silu(gate) * up, or silu(up) where the layer is not gated, over `rows` rows of `width` results.
cudaError_t activate(const void* inner, void* activated, std::int64_t rows, std::int64_t width, bool gated, Type type,
                     cudaStream_t stream);
/// out[t] = sum over a token's experts of share * down[slot_of].
cudaError_t combine_slots(const ExpertLayer& layer, const ExpertArrays& arrays, cudaStream_t stream);

/// The layer of the first `tokens` tokens in single precision, sums in double: wanted [tokens, hidden].
/// `inner` is room for tokens * top_k * intermediate floats. up [experts, up_width, hidden], down [experts, hidden,
/// intermediate].
struct ExpertReference {
  ExpertLayer layer;
  const void *x = nullptr, *up = nullptr, *down = nullptr;
  const std::int32_t* chosen = nullptr;
  const float* logits = nullptr;
  float *inner = nullptr, *wanted = nullptr;
  std::int32_t tokens = 0;
};
cudaError_t reference_layer(const ExpertReference& reference, cudaStream_t stream);

}  // namespace sparsesim::measure
