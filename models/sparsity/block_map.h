#pragma once
// What a tiled attention kernel does with every tile of scores under any pattern: counted, tile by tile.

#include <cstdint>
#include <vector>

#include "models/sparsity/block_mask.h"
#include "models/sparsity/key_pattern.h"

namespace sparsesim {

/// Tiles of one head group, and where the scores lie that the pattern takes away.
struct BlockMap {
  std::vector<TileBlocks> tiles;  // [space.tiles()]
  WindowSavings savings;

  std::int64_t needed() const;
};

/// Closed forms: dense, causal, or a window (`space.window`).
BlockMap block_map(const ScoreSpace& space);

/// Counts any pattern on the tiles and blocks of a kernel that skips whole blocks of its grid.
///
/// The blocks that a tile computes need not be neighbours; `first` is `last` less their number, so that caches see as
/// many bytes, at the place of the tile's latest keys. `needed_keys` counts keys that some row needs.
/// Cost: one pass over the runs of every query, and one over the keys of every tile, 64 at a time.
/// space.window is ignored; sets.span() must agree with the space.
BlockMap block_map(const ScoreSpace& space, const KeySets& sets);

/// The same where nothing is skipped: every block of the dense (or causal) kernel is computed and masked.
BlockMap masked_map(const ScoreSpace& space, const KeySets& sets);

/// Tiles of packed documents, each mapped alone as a dense (or causal) one; their blocks, of `block` keys or queries,
/// are numbered on from document to document.
std::vector<TileBlocks> document_tiles(const ScoreSpace& space, const KeySets& sets, BlockMap (*map)(const ScoreSpace&),
                                       std::int64_t block);

/// Packed documents as a kernel runs them that knows their lengths: each on tiles of its own.
BlockMap document_map(const ScoreSpace& space, const KeySets& sets);

/// One query per sequence whose kernel walks a list of pages: pages with a needed key, whole, as blocks without gaps.
BlockMap page_map(const ScoreSpace& space, const KeySets& sets, std::int64_t page);

}  // namespace sparsesim
