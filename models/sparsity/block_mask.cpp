#include "models/sparsity/block_mask.h"

#include <algorithm>

#include "sim/core/counts.h"

namespace sparsesim {
namespace {

// One past the last key that a query sees, and the first one.
std::int64_t end_key(const ScoreSpace& s, std::int64_t query) {
  return s.causal ? query + s.keys - s.queries + 1 : s.keys;
}
std::int64_t first_key(const ScoreSpace& s, std::int64_t query) {
  return s.window > 0 ? std::max<std::int64_t>(0, end_key(s, query) - s.window) : 0;
}

// Sum over queries [0, n) of the keys each sees: an arithmetic series up to the window, a constant beyond it.
std::int64_t seen_by_first(const ScoreSpace& s, std::int64_t n) {
  if (!s.causal) return n * s.keys;
  const std::int64_t offset = s.keys - s.queries;
  const std::int64_t growing =
      s.window > 0 ? std::clamp<std::int64_t>(s.window - offset, 0, n) : n;  // queries that still see every earlier key
  return growing * offset + growing * (growing + 1) / 2 + (n - growing) * s.window;
}

std::int64_t seen_by_rows(const ScoreSpace& s, std::int64_t rows) {
  const std::int64_t whole = rows / s.group, part = rows % s.group;
  const std::int64_t below = seen_by_first(s, whole);
  return s.group * below + (part > 0 ? part * (seen_by_first(s, whole + 1) - below) : 0);
}

}  // namespace

std::int64_t needed_scores(const ScoreSpace& space, std::int64_t begin, std::int64_t end) {
  return seen_by_rows(space, end) - seen_by_rows(space, begin);
}

TileBlocks tile_blocks(const ScoreSpace& space, std::int64_t tile) {
  const std::int64_t begin = tile * space.tile_rows, end = std::min(begin + space.tile_rows, space.rows());
  const std::int64_t low = begin / space.group, high = (end - 1) / space.group;  // queries of the tile
  TileBlocks blocks;
  blocks.rows = end - begin;
  blocks.first = first_key(space, low) / space.tile_keys;
  blocks.last = ceil_div(end_key(space, high), space.tile_keys);
  // A block is whole if its last key is seen by the lowest query and its first one by the highest.
  const std::int64_t whole_end = end_key(space, low) / space.tile_keys;
  const std::int64_t whole_begin = ceil_div(first_key(space, high), space.tile_keys);
  blocks.masked = blocks.blocks() - std::max<std::int64_t>(0, whole_end - whole_begin);
  blocks.needed = needed_scores(space, begin, end);
  blocks.needed_keys = end_key(space, high) - first_key(space, low);
  return blocks;
}

ScoreTotals score_totals(const ScoreSpace& space) {
  ScoreTotals totals;
  for (std::int64_t tile = 0; tile < space.tiles(); ++tile) {
    const TileBlocks blocks = tile_blocks(space, tile);
    totals.needed += blocks.needed;
    totals.computed += blocks.blocks() * space.tile_rows * space.tile_keys;
    totals.blocks += blocks.blocks();
    totals.masked += blocks.masked;
  }
  return totals;
}

WindowSavings window_savings(const ScoreSpace& space) {
  ScoreSpace whole = space;
  whole.window = 0;
  WindowSavings savings;
  savings.inactive = needed_scores(whole, 0, space.rows()) - needed_scores(space, 0, space.rows());
  for (std::int64_t tile = 0; tile < space.tiles(); ++tile) {
    const TileBlocks blocks = tile_blocks(space, tile);
    // All keys before the window of the lowest query come before every query of the tile: the triangle does not cut
    // them.
    savings.in_skipped += blocks.rows * blocks.first * space.tile_keys;
    savings.in_free_keys += blocks.rows * first_key(space, tile * space.tile_rows / space.group);
  }
  return savings;
}

}  // namespace sparsesim
