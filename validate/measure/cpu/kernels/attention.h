#pragma once
// Attention in tiles of scores: what one block of queries does with the blocks of keys that it sees.

#include <cstdint>

#include "validate/measure/cpu/context.h"

namespace sparsesim::measure {

/// Queries and keys of a tile of scores.
inline constexpr int kAttentionTile = 64;
/// Largest head dimension: the results of a tile lie on the stack.
inline constexpr int kHeadDimMost = 256;

/// One head of one sequence, fp32. Keys and values are there for whole tiles, zero beyond the sequence.
struct AttentionHead {
  const float* queries = nullptr;  // [seq, head_dim]
  const float* keys = nullptr;     // [padded seq / panel, head_dim, panel]: panels of keys, transposed
  const float* values = nullptr;   // [padded seq, width]
  float* results = nullptr;        // [seq, width]
  std::int64_t seq = 0;
  int head_dim = 0;
  int width = 0;  // head_dim in whole vectors
};

/// Query q sees keys from q - window + 1 (from 0 where there is no window) to q, or to the last where not causal.
struct AttentionReach {
  bool causal = true;
  std::int64_t window = 0;
};

/// A tile of keys that a block of queries computes.
struct KeyTile {
  std::int32_t tile = 0;
  bool whole = true;  // every query of the block sees every key of the tile
};

/// Attention in the instructions of a processor.
struct AttentionKernel {
  const char* instructions;  // "avx2"
  int panel;                 // keys of a panel: two vectors
  int vector;                // elements of a vector; width is a multiple
  /// Results of `rows` queries from `first_query` on, at most a tile: scores of one tile of keys after the other by a
  /// product with results in registers, running maximum and sum, product with the values. Masked scores are exactly 0
  /// and no number is subnormal. Each query must see at least one key.
  void (*attend)(const AttentionHead& head, const AttentionReach& reach, std::int64_t first_query, int rows,
                 const KeyTile* tiles, int count);
};

extern const AttentionKernel attention_kernel_generic;
#if defined(__x86_64__)
extern const AttentionKernel attention_kernel_avx2, attention_kernel_avx512;
#endif

/// The widest that the processor has.
const AttentionKernel& attention_kernel(const CpuContext& context);

}  // namespace sparsesim::measure
