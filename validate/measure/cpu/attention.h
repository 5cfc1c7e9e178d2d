#pragma once
// Attention on processors: causal, in a window, or under a mask of blocks (docs/measuring.md).

#include <cstdint>
#include <memory>
#include <vector>

#include "models/sparsity/key_pattern.h"
#include "validate/measure/cpu/aligned.h"
#include "validate/measure/cpu/kernels/attention.h"
#include "validate/measure/cpu/problems.h"

namespace sparsesim::measure {

/// Rows of op attention: dtype fp32; params batch seq heads kv_heads head_dim causal, and window | block of the
/// pattern.
ProblemFamily attention_family();

struct AttentionSizes {
  std::int64_t batch = 1, seq = 0, heads = 1, kv_heads = 1;
  int head_dim = 0;
  bool causal = true;

  std::int64_t query_blocks() const { return (seq + kAttentionTile - 1) / kAttentionTile; }
  std::int64_t padded() const { return query_blocks() * kAttentionTile; }
};

/// One copy of the operands, head by head as AttentionHead has them.
struct AttentionOperands {
  Buffer<float> queries, keys, values;
  mutable Buffer<float> results;  // belong to the copy: they go through the caches as the operands do

  double bytes() const {
    return 4.0 * static_cast<double>(queries.size() + keys.size() + values.size() + results.size());
  }
};

/// Standard normal queries and keys, so that scores are too; values uniform in [-1, 1].
AttentionOperands draw_attention(const AttentionSizes& sizes, const AttentionKernel& kernel, std::uint64_t seed);

/// Which keys are seen, as the simulator defines its patterns.
class AttentionMask {
 public:
  /// `pattern` null: every key (before the query where causal). Errors: NotHere.
  AttentionMask(const AttentionSizes& sizes, const KeyPattern* pattern, KeyPatternSizes pattern_sizes,
                std::uint64_t seed);
  AttentionMask(const AttentionMask&) = delete;

  const AttentionReach& reach() const { return reach_; }
  /// For each block of queries, the tiles of keys that some query sees.
  const std::vector<std::vector<KeyTile>>& tiles() const { return tiles_; }
  /// Replaces `runs` by the keys that a query sees.
  void see(std::int64_t query, std::vector<KeyRun>& runs) const;

 private:
  std::vector<KeyTile> tiles_of(std::int64_t block) const;
  const AttentionSizes sizes_;
  const KeyPatternSizes pattern_sizes_;
  AttentionReach reach_;
  std::unique_ptr<KeySets> sets_;
  std::vector<std::vector<KeyTile>> tiles_;
};

/// Runs every head and block of queries.
void run_attention(const AttentionSizes& sizes, const AttentionKernel& kernel, const AttentionMask& mask,
                   const AttentionOperands& operands, int threads);

/// Largest error of the results over the tolerance, on 256 queries (all where there are no more) drawn by `seed`,
/// against softmax(Q K^T / sqrt(head_dim)) V in double precision.
double attention_error(const AttentionSizes& sizes, const AttentionKernel& kernel, const AttentionMask& mask,
                       const AttentionOperands& operands, std::uint64_t seed);

}  // namespace sparsesim::measure
