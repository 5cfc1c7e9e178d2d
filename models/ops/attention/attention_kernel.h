#pragma once
// How a tiled attention kernel of the library runs one call.

#include <cstdint>

#include "models/ops/attention/attention.h"
#include "models/sparsity/block_map.h"

namespace sparsesim {

/// Constants of an attention kernel, named in docs/models/attention.md.
struct AttentionKernel {
  const Kernel* kernel = nullptr;
  bool pack_heads = false;      // query heads of one key head share a tile
  bool longest_first = false;   // tiles with most blocks are dispatched first
  bool heads_outside = false;   // all sequences of a head are dispatched before the next head
  bool loads_ahead = false;     // keys and values have a buffer each: one is filled while the other is multiplied
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
  bool decode_groups = false;   // one query: the heads of one key head share a tile, and keys are cut
  double mask_ops = 0;          // FP32 operations per score of a block that is not needed whole
  double unpack_ops = 0;        // FP32 operations per element of keys and values kept in fewer bits
  double index_cycles = 0;      // per block: its number comes from memory before its keys can
  bool two_loops = false;       // backward: the queries' gradients come from a loop that computes the scores again
};

/// A loop over tiles of scores: what it multiplies, reads and writes per tile and per block, in vectors of head_dim
/// elements of the call's type.
struct TileLoop {
  const char* name = "attention";
  double products = 2;        // multiply-adds per score and element of a head: scores, results
  double block_vectors = 2;   // read per key (query) of a block: keys and values
  double row_vectors = 1;     // read once per row of a tile: queries
  double result_vectors = 1;  // written per row of a tile
  double added_bytes = 0;     // per key (query) of a block and element: added to sums in the shared cache
  bool by_keys = false;       // tiles are of keys, blocks of queries
};

/// The call as the machine runs it: with keys and values kept in 8 bits all of it in that type where the library has a
/// kernel for it, else in its own, with keys and values unpacked as they are read.
AttentionSize with_kept_type(AttentionSize size, const Substrate& substrate);
/// The library's kernel for the call: one that knows its pattern natively (`window`, `documents`; `pages` for a single
/// query), else one that walks a list of blocks (`blocks`). Errors: UnsupportedError when there is none, or it names an
/// unknown constant.
AttentionKernel find_attention_kernel(const AttentionSize& size, const Substrate& substrate);
/// The kernel's score tiles for one key head (pack_heads) or one query head.
ScoreSpace score_space(const AttentionSize& size, const AttentionKernel& kernel);
/// What the kernel does with each tile. `seed` draws what the pattern leaves to chance.
BlockMap attention_map(const AttentionSize& size, const AttentionKernel& kernel, std::uint64_t seed);
/// Cuts along the keys per tile; 1 where the kernel does not cut.
std::int64_t key_splits(const AttentionSize& size, const AttentionKernel& kernel, const BlockMap& map,
                        const Substrate& substrate);
/// The same by tiles of keys, as a backward loop walks them. Valid for queries == keys.
BlockMap attention_key_map(const AttentionSize& size, const AttentionKernel& kernel, std::uint64_t seed);
/// The attention kernel itself, or one loop of a backward kernel.
Launch lower_attention_kernel(const AttentionSize& size, const AttentionKernel& kernel, const BlockMap& map,
                              std::int64_t splits, const Substrate& substrate, const Ideal& ideal,
                              const TileLoop& loop = {});

}  // namespace sparsesim
