#pragma once
// A stack of equal transformer layers in which tokens and requests drop out on the way.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// What becomes of a batch whose requests no longer need the same work.
enum class Rebatch {
  none,     // the batch keeps its shape until nobody needs it
  compact,  // what is needed is packed together before the next layer
  pad,      // the same, rounded up to a granule
};

/// One transformer layer: attention and feed-forward network with their norms.
struct LayerSize {
  std::int64_t hidden = 0, intermediate = 0;
  std::int64_t heads = 1, kv_heads = 1, head_dim = 64;
  bool gated = false;        // gate and up projections, else up alone
  bool causal = false;       // a decoder, which keeps keys and values
  std::int64_t context = 0;  // decode: keys that the one token of a request sees; 0: prefill or encoder
  std::string dtype = "fp16";

  /// Multiply-adds of `tokens` tokens of one request.
  double macs(std::int64_t tokens) const;
};

struct DepthSize {
  LayerSize layer;
  std::int64_t layers = 1, batch = 1, seq = 1;  // seq tokens per request; 1 in decode
  // Early exit: after layer exit_layers[i] a share exit_shares[i] of all requests is done.
  std::vector<std::int64_t> exit_layers;
  std::vector<double> exit_shares;
  std::int64_t exit_classes = 0;  // outputs of the exit's classifier; 0: compares hidden states of two layers
  // Token pruning: after layer keep_layers[i] a request keeps a share keep_shares[i] of its first tokens.
  std::vector<std::int64_t> keep_layers;
  std::vector<double> keep_shares;
  double keep_spread = 0;  // standard deviation over requests, of the kept share's mean
  bool merge = false;      // dropped tokens are added to their most similar neighbour, else forgotten
  // Mixture of depths: each skip_every-th layer works on a share of the tokens, the others go round it.
  std::int64_t skip_every = 0;  // 0: none
  double skip_capacity = 1;
  Rebatch rebatch = Rebatch::compact;
  std::int64_t pad_to = 1;  // granule of Rebatch::pad: requests where they exit, else tokens of a request
};

/// Tokens of each request at each layer, [layers][batch]; 0 for a request that is done.
using TokenCounts = std::vector<std::vector<std::int64_t>>;

/// What each request needs, drawn from the seed. Errors: TooLargeError beyond 2^22 entries.
TokenCounts needed_tokens(const DepthSize& size, std::uint64_t seed);
/// What the machine runs for it: lengths of the sequences of each layer, [layers][<= batch], longest first.
TokenCounts batched_tokens(const DepthSize& size, const TokenCounts& needed);

class LayerStack : public Op {
 public:
  explicit LayerStack(DepthSize size) : size_(std::move(size)) {}
  std::string_view kind() const override { return "layer_stack"; }
  std::string_view pattern() const override;
  const DepthSize& size() const { return size_; }
  Program lower(const LowerContext& context) const override;
  /// Every token of every request through every layer.
  Program lower_dense(const LowerContext& context) const override;
  SparsitySummary sparsity(const LowerContext& context) const override;

 private:
  DepthSize size_;
};

/// Launches of one layer on sequences of these lengths (docs/models/depth.md): norms, projections, attention over each
/// sequence, feed-forward network.
std::vector<std::shared_ptr<const Launch>> lower_layer(const LayerSize& layer, const std::vector<std::int64_t>& lengths,
                                                       const LowerContext& context);

/// Keys: docs/models/depth.md.
std::unique_ptr<Op> read_layer_stack(config::MapReader& map);
/// Errors: UnsupportedError: no measured rows have this op.
std::unique_ptr<Op> layer_stack_from_row(const MeasuredOp& row);

}  // namespace sparsesim
