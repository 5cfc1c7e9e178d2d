#pragma once
// Scaled dot-product attention, dense, causal or within a sliding window, as a tiled kernel runs it.

#include <cstdint>
#include <memory>
#include <string>

#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// softmax(Q K^T) V with Q [batch, queries, heads, head_dim] and K, V [batch, keys, kv_heads, head_dim].
struct AttentionSize {
  std::int64_t batch = 1;
  std::int64_t queries = 0, keys = 0;  // per sequence; queries are the last ones of the keys
  std::int64_t heads = 1, kv_heads = 1;
  std::int64_t head_dim = 128;
  std::string dtype = "bf16";
  bool causal = true;
  std::int64_t window = 0;  // each query sees its last `window` keys, itself included; 0: no window
};

/// One attention call of a serving framework: write of the new keys and values into the cache, the kernel's scheduler
/// pass and combine pass where it has them, and the attention kernel (docs/models/attention.md).
class Attention : public Op {
 public:
  /// Sizes must be valid (see read_attention).
  explicit Attention(AttentionSize size) : size_(std::move(size)) {}
  std::string_view kind() const override { return "attention"; }
  std::string_view pattern() const override { return size_.window > 0 ? "window" : "dense"; }
  Program lower(const LowerContext& context) const override;
  /// The same call without the window; a causal mask stays, for the result needs it.
  Program lower_dense(const LowerContext& context) const override;
  SparsitySummary sparsity(const LowerContext& context) const override;
  const AttentionSize& size() const { return size_; }

 private:
  AttentionSize size_;
};

/// Keys: batch, seq (or queries and keys), heads, kv_heads (heads), head_dim, dtype, causal (true), window, phase
/// (prefill, decode: one query per sequence against seq keys). Mistakes: window < 1, window > keys, a window without
/// causal, heads no multiple of kv_heads, more queries than keys where causal.
std::unique_ptr<Op> read_attention(config::MapReader& map);
/// Params: batch seq heads kv_heads head_dim causal window phase. Errors: UnsupportedError for what read_attention
/// refuses, for missing params and for other patterns than dense and window.
std::unique_ptr<Op> attention_from_row(const MeasuredOp& row);

}  // namespace sparsesim
