#pragma once
// How a tiled attention kernel of the library runs one call.

#include <cstdint>

#include "models/ops/attention.h"
#include "models/sparsity/block_mask.h"

namespace sparsesim {

/// Constants of an attention kernel, named in docs/models/attention.md.
struct AttentionKernel {
  const Kernel* kernel = nullptr;
  bool pack_heads = false;      // query heads of one key head share a tile
  bool longest_first = false;   // tiles with most blocks are dispatched first
  bool split_keys = false;      // few tiles: each is cut along the keys, partial results are combined
  bool scheduler_pass = false;  // a small kernel before it counts the tiles
  bool pipes_overlap = false;   // softmax of one tile hides behind the multiplies of its partner
  double softmax_exposed = 1;   // share of the softmax that nothing hides, where pipes do not overlap
  double softmax_ops = 0;       // FP32 operations per score besides the exponential
  double matrix_share = 1;      // of the sustained matrix rate that the kernel's instruction mix reaches
  double operand_reads = 0;     // times keys and values are read from the scratchpad by load instructions
  double operand_exposed = 0;   // share of those reads that the multiplies do not hide
  double tile_cycles = 0;       // per tile: fetching it, its queries, first scores, scaling and storing the result
  double trips = 0;             // of it: memory round trips in a row, in DRAM latencies
};

/// The library's kernel for the call. Errors: UnsupportedError when there is none, or it names an unknown constant.
AttentionKernel find_attention_kernel(const AttentionSize& size, const Substrate& substrate);
/// The kernel's score tiles for one key head (pack_heads) or one query head.
ScoreSpace score_space(const AttentionSize& size, const AttentionKernel& kernel);
/// Cuts along the keys per tile; 1 where the kernel does not cut.
std::int64_t key_splits(const AttentionSize& size, const AttentionKernel& kernel, const Substrate& substrate);
/// The attention kernel itself.
Launch lower_attention_kernel(const AttentionSize& size, const AttentionKernel& kernel, std::int64_t splits,
                              const Substrate& substrate, const Ideal& ideal);

}  // namespace sparsesim
