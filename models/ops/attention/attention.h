#pragma once
// Scaled dot-product attention, dense, causal or under a pattern of keys, as a tiled kernel runs it.

#include <cstdint>
#include <memory>
#include <string>

#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "models/sparsity/block_map.h"
#include "models/sparsity/key_pattern.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// softmax(Q K^T) V with Q [batch, queries, heads, head_dim] and K, V [batch, keys, kv_heads, head_dim].
struct AttentionSize {
  std::int64_t batch = 1;
  std::int64_t queries = 0, keys = 0;  // per sequence; queries are the last ones of the keys
  std::int64_t heads = 1, kv_heads = 1;
  std::int64_t head_dim = 128;
  std::string dtype = "bf16";
  std::string kv_dtype;  // of the kept keys and values; empty: dtype
  bool causal = true;
  bool cached = true;       // new keys and values go to a paged cache first, as serving frameworks do
  bool backward = false;    // the gradients of queries, keys and values from those of the results
  std::int64_t window = 0;  // each query sees its last `window` keys, itself included; 0: no window

  const KeyPattern* pattern = nullptr;  // counted tile by tile; null: dense, or the window above in closed form
  KeyPatternSizes sizes;                // of it
  bool mask_only = false;               // the pattern is a mask over dense blocks: nothing is skipped
  std::int64_t index_calls = 1;         // calls that share one index or block mask
  std::string kernel;                   // kernels whose names begin so; empty: any

  bool dense() const { return window == 0 && pattern == nullptr; }
  /// The types that a kernel takes, as its library names them: bf16, or bf16xfp8 with keys and values kept in fp8.
  std::string operands() const;
  /// The type of kept keys and values, and that of the results, which are never of 8 bits.
  const std::string& kept_dtype() const { return kv_dtype.empty() ? dtype : kv_dtype; }
  std::string result_dtype() const { return dtype == "fp8" ? "bf16" : dtype; }
  bool decode() const { return queries == 1; }
  KeySpan span() const { return {queries, keys, causal}; }
};

struct AttentionKernel;
struct MapMemo;

/// One attention call of a serving framework: write of the new keys and values into the cache, the index of a pattern,
/// the kernel's scheduler pass and combine pass where it has them, and the attention kernel (docs/models/attention.md).
/// Or one of a training step, without the cache: forward, or backward.
class Attention : public Op {
 public:
  /// Sizes must be valid (see read_attention).
  explicit Attention(AttentionSize size);
  std::string_view kind() const override { return "attention"; }
  std::string_view pattern() const override {
    return size_.pattern != nullptr ? size_.pattern->name : size_.window > 0 ? "window" : "dense";
  }
  /// Errors: UnsupportedError when the library has no kernel for the pattern, type and head dimension.
  Program lower(const LowerContext& context) const override;
  /// The same call without the pattern; a causal mask stays, for the result needs it.
  Program lower_dense(const LowerContext& context) const override;
  SparsitySummary sparsity(const LowerContext& context) const override;
  double held_bytes(bool dense) const override;
  const AttentionSize& size() const { return size_; }

 private:
  /// What the call's kernel does with each tile, of keys where `by_keys`: counted once per kernel and seed, for many
  /// runs ask.
  std::shared_ptr<const BlockMap> map(const AttentionKernel& kernel, std::uint64_t seed, bool by_keys = false) const;
  AttentionSize size_;
  std::shared_ptr<MapMemo> memo_;
};

/// Why keys and values kept in another type are unpacked for a head dimension on a machine; empty where they are not.
std::string why_keys_unpacked(const std::string& kv_dtype, std::int64_t head_dim, const Substrate& substrate);
/// Key kv_dtype (same; fp8): the type of kept keys and values, empty where it is that of the call. Mistakes: fp8 beside
/// a type that has not 16 bits.
std::string read_kv_dtype(config::MapReader& map, const std::string& dtype);
/// Keys: batch, seq (or queries and keys), heads, kv_heads (heads), head_dim, dtype, causal (true), phase (prefill;
/// decode: one query per sequence against seq keys; forward and backward of training: no cache), kv_dtype (same; fp8),
/// pattern (a row of key_patterns(); window where `window` is given) with the sizes of that row, method (skip, mask),
/// index_calls, kernel. Mistakes: sizes that contradict each other.
std::unique_ptr<Op> read_attention(config::MapReader& map);
/// Params: batch seq heads kv_heads head_dim causal window phase. Errors: UnsupportedError for what read_attention
/// refuses, for missing params and for other patterns than dense and window.
std::unique_ptr<Op> attention_from_row(const MeasuredOp& row);

}  // namespace sparsesim
