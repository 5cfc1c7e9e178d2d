#pragma once
// Which blocks of an attention score matrix a tiled kernel computes, masks or skips: closed forms per query tile.

#include <cstdint>

namespace sparsesim {

/// Scores [rows, keys] of one head group. Row r belongs to query r / group: kernels that pack the query heads of one
/// key head into a tile have group = heads / kv_heads, others 1. Query q stands at key position q + keys - queries.
struct ScoreSpace {
  std::int64_t queries = 0, keys = 0;
  std::int64_t group = 1;
  bool causal = true;          // a query sees no key after its own position
  std::int64_t window = 0;     // it sees its last `window` keys, itself included; 0: all
  std::int64_t tile_rows = 1;  // rows of a tile
  std::int64_t tile_keys = 1;  // keys of a block

  bool operator==(const ScoreSpace&) const = default;
  std::int64_t rows() const { return queries * group; }
  std::int64_t tiles() const { return (rows() + tile_rows - 1) / tile_rows; }
};

/// What one tile does. Blocks [first, last) are computed, all others of the row of blocks are skipped.
struct TileBlocks {
  std::int64_t first = 0, last = 0;
  std::int64_t masked = 0;       // computed blocks that hold at least one score nobody needs
  std::int64_t rows = 0;         // rows of the tile that exist
  std::int64_t needed = 0;       // scores that the result needs
  std::int64_t needed_keys = 0;  // keys that some row needs
  std::int64_t read_keys = 0;    // keys that are loaded, where that is fewer than whole blocks; 0: whole blocks
  std::int64_t blocks() const { return last - first; }
};

/// Closed form; 0 <= tile < space.tiles(). Valid for keys >= queries where causal, and window > 0 only where causal.
TileBlocks tile_blocks(const ScoreSpace& space, std::int64_t tile);

/// Scores needed by rows [begin, end): sum of the keys that each sees.
std::int64_t needed_scores(const ScoreSpace& space, std::int64_t begin, std::int64_t end);

/// Sums over all tiles of a space, one pass over the tiles.
struct ScoreTotals {
  std::int64_t needed = 0;    // scores the result needs
  std::int64_t computed = 0;  // scores in computed blocks, tile padding included
  std::int64_t blocks = 0, masked = 0;
};
ScoreTotals score_totals(const ScoreSpace& space);

/// Where the scores lie that a window takes away from the causal triangle.
struct WindowSavings {
  std::int64_t inactive = 0;      // causal scores outside the window
  std::int64_t in_skipped = 0;    // of them, in blocks that the tile skips
  std::int64_t in_free_keys = 0;  // of them, in key rows that no row of the tile needs
};
WindowSavings window_savings(const ScoreSpace& space);

}  // namespace sparsesim
