#include "models/sparsity/key_tiles.h"

#include <algorithm>

#include "sim/core/counts.h"

namespace sparsesim {
namespace {

std::int64_t key_tiles(const ScoreSpace& space) { return ceil_div(space.keys, space.tile_keys); }

/// Queries [first, last) that see the keys of a tile or, with `all`, each of them.
struct QueryRange {
  std::int64_t first = 0, last = 0;
};
QueryRange seeing(const ScoreSpace& space, std::int64_t low_key, std::int64_t high_key, bool all) {
  if (!space.causal) return {0, space.queries};
  const std::int64_t first = all ? high_key : low_key, latest = all ? low_key : high_key;
  const std::int64_t last = space.window > 0 ? latest + space.window : space.queries;
  return {first, std::min(space.queries, last)};
}

TileBlocks key_tile(const ScoreSpace& space, std::int64_t tile) {
  const std::int64_t begin = tile * space.tile_keys, end = std::min(begin + space.tile_keys, space.keys);
  const QueryRange some = seeing(space, begin, end - 1, false), all = seeing(space, begin, end - 1, true);
  TileBlocks blocks;
  blocks.rows = end - begin;
  blocks.first = some.first / space.tile_rows;
  blocks.last = ceil_div(some.last, space.tile_rows);
  const std::int64_t whole = all.last / space.tile_rows - ceil_div(all.first, space.tile_rows);
  blocks.masked = blocks.blocks() - (blocks.rows == space.tile_keys ? std::max<std::int64_t>(0, whole) : 0);
  blocks.needed_keys = some.last - some.first;
  for (std::int64_t key = begin; key < end; ++key) {
    const QueryRange queries = seeing(space, key, key, false);
    blocks.needed += queries.last - queries.first;
  }
  return blocks;
}

/// What the queries of one block need of every tile of keys.
class TileCounter {
 public:
  explicit TileCounter(const ScoreSpace& space)
      : space_(space),
        last_query_(static_cast<std::size_t>(key_tiles(space)), -1),
        block_(last_query_.size(), -1),
        whole_(last_query_.size(), 0),
        seen_(last_query_.size(), 0),
        tiles_(last_query_.size()) {
    for (std::size_t i = 0; i < tiles_.size(); ++i) {
      const auto begin = static_cast<std::int64_t>(i) * space.tile_keys;
      tiles_[i].rows = std::min(space.tile_keys, space.keys - begin);
    }
  }

  void add(std::int64_t query, const KeyRun& run) {
    const std::int64_t step = std::max<std::int64_t>(1, run.step);
    for (std::int64_t key = run.first; key < run.last;) {
      const std::int64_t tile = key / space_.tile_keys;
      const std::int64_t end = std::min(run.last, (tile + 1) * space_.tile_keys), count = ceil_div(end - key, step);
      touch(static_cast<std::size_t>(tile), query, count);
      key += count * step;
    }
  }

  /// Closes a block of queries: one is whole if each of its rows sees all keys of the tile.
  void close() {
    for (std::size_t i = 0; i < tiles_.size(); ++i) {
      if (block_[i] >= 0 && whole_[i] < space_.tile_rows) tiles_[i].masked += 1;
      block_[i] = -1;
      whole_[i] = 0;
    }
  }
  std::vector<TileBlocks> tiles() && { return std::move(tiles_); }

 private:
  void touch(std::size_t tile, std::int64_t query, std::int64_t keys) {
    TileBlocks& blocks = tiles_[tile];
    const std::int64_t block = query / space_.tile_rows;
    if (block_[tile] != block) {  // `first` counts the blocks until all are known
      block_[tile] = block;
      blocks.first += 1;
      blocks.last = block + 1;
    }
    if (last_query_[tile] != query) {
      last_query_[tile] = query;
      seen_[tile] = 0;
      blocks.needed_keys += 1;
    }
    blocks.needed += keys;
    seen_[tile] += keys;
    whole_[tile] += seen_[tile] == space_.tile_keys ? 1 : 0;
  }

  const ScoreSpace& space_;
  std::vector<std::int64_t> last_query_, block_;  // that met the tile last
  std::vector<std::int64_t> whole_;               // queries of the block that see all of it
  std::vector<std::int64_t> seen_;                // keys of it that the query sees
  std::vector<TileBlocks> tiles_;
};

}  // namespace

BlockMap key_tile_map(const ScoreSpace& space) {
  BlockMap map;
  map.tiles.reserve(static_cast<std::size_t>(key_tiles(space)));
  for (std::int64_t tile = 0; tile < key_tiles(space); ++tile) map.tiles.push_back(key_tile(space, tile));
  return map;
}

BlockMap key_tile_map(const ScoreSpace& space, const KeySets& sets) {
  TileCounter counter(space);
  std::vector<KeyRun> runs;
  for (std::int64_t query = 0; query < space.queries; ++query) {
    sets.see(query, runs);
    for (const KeyRun& run : runs) counter.add(query, run);
    if ((query + 1) % space.tile_rows == 0 || query + 1 == space.queries) counter.close();
  }
  BlockMap map;
  map.tiles = std::move(counter).tiles();
  for (TileBlocks& tile : map.tiles) tile.first = tile.last - tile.first;
  return map;
}

BlockMap masked_key_tile_map(const ScoreSpace& space, const KeySets& sets) {
  ScoreSpace whole = space;
  whole.window = 0;
  BlockMap map = key_tile_map(whole);
  const BlockMap needed = key_tile_map(space, sets);
  for (std::size_t i = 0; i < map.tiles.size(); ++i) {
    map.tiles[i].needed = needed.tiles[i].needed;
    map.tiles[i].masked = map.tiles[i].blocks();
  }
  return map;
}

BlockMap document_key_tile_map(const ScoreSpace& space, const KeySets& sets) {
  BlockMap map;
  map.tiles = document_tiles(space, sets, key_tile_map, space.tile_rows);
  return map;
}

}  // namespace sparsesim
