// Tiles of keys against blocks of queries, against counting every score.

#include "models/sparsity/key_tiles.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace sparsesim {
namespace {

using Needed = std::vector<std::vector<bool>>;  // [query][key]

Needed causal_scores(const ScoreSpace& space) {
  Needed needed(static_cast<std::size_t>(space.queries), std::vector<bool>(static_cast<std::size_t>(space.keys)));
  for (std::int64_t query = 0; query < space.queries; ++query)
    for (std::int64_t key = 0; key < space.keys; ++key)
      needed[query][key] = !space.causal || (key <= query && (space.window == 0 || query - key < space.window));
  return needed;
}

Needed scores_of(const KeySets& sets) {
  const KeySpan& span = sets.span();
  Needed needed(static_cast<std::size_t>(span.queries), std::vector<bool>(static_cast<std::size_t>(span.keys)));
  std::vector<KeyRun> runs;
  for (std::int64_t query = 0; query < span.queries; ++query) {
    sets.see(query, runs);
    for (const KeyRun& run : runs)
      for (std::int64_t key = run.first; key < run.last; key += run.step) needed[query][key] = true;
  }
  return needed;
}

void check(const BlockMap& map, const ScoreSpace& space, const Needed& needed) {
  REQUIRE(map.tiles.size() == static_cast<std::size_t>((space.keys + space.tile_keys - 1) / space.tile_keys));
  for (std::size_t tile = 0; tile < map.tiles.size(); ++tile) {
    const auto begin = static_cast<std::int64_t>(tile) * space.tile_keys;
    const std::int64_t end = std::min(begin + space.tile_keys, space.keys);
    std::int64_t blocks = 0, masked = 0, scores = 0, queries = 0, last = 0;
    for (std::int64_t first = 0; first < space.queries; first += space.tile_rows) {
      std::int64_t here = 0;
      for (std::int64_t query = first; query < std::min(space.queries, first + space.tile_rows); ++query) {
        std::int64_t row = 0;
        for (std::int64_t key = begin; key < end; ++key) row += needed[query][key] ? 1 : 0;
        here += row;
        queries += row > 0 ? 1 : 0;
      }
      scores += here;
      if (here == 0) continue;
      blocks += 1;
      masked += here < space.tile_rows * space.tile_keys ? 1 : 0;
      last = first / space.tile_rows + 1;
    }
    const TileBlocks& found = map.tiles[tile];
    CHECK(found.rows == end - begin);
    CHECK(found.blocks() == blocks);
    CHECK(found.masked == masked);
    CHECK(found.needed == scores);
    CHECK(found.needed_keys == queries);
    if (blocks > 0) CHECK(found.last == last);
  }
}

}  // namespace

TEST_CASE("closed forms of key tiles agree with counting every score") {
  for (const std::int64_t seq : {1, 64, 100, 257})
    for (const std::int64_t window : {0, 1, 17, 64, 100}) {
      if (window > seq) continue;
      ScoreSpace space{.queries = seq, .keys = seq, .window = window, .tile_rows = 16, .tile_keys = 32};
      CAPTURE(seq);
      CAPTURE(window);
      check(key_tile_map(space), space, causal_scores(space));
      space.causal = false;
      space.window = 0;
      check(key_tile_map(space), space, causal_scores(space));
    }
}

TEST_CASE("patterns by key tiles agree with counting every score, and with the map by query tiles in total") {
  for (const KeyPattern& pattern : key_patterns()) {
    CAPTURE(std::string(pattern.name));
    KeyPatternSizes sizes;
    sizes.window = 24;
    sizes.dilation = 3;
    sizes.stride = 20;
    sizes.global = 5;
    sizes.sinks = 4;
    sizes.random = 2;
    sizes.block = 16;
    sizes.documents = 4;
    sizes.pages = 3;
    sizes.page = 16;
    sizes.query_block = 16;
    sizes.density = 0.4;
    const ScoreSpace space{.queries = 200, .keys = 200, .tile_rows = 16, .tile_keys = 32};
    const KeySets sets(pattern, sizes, {space.queries, space.keys, true}, 3);
    const BlockMap by_keys = key_tile_map(space, sets), by_queries = block_map(space, sets);
    CHECK(by_keys.needed() == by_queries.needed());
    check(by_keys, space, scores_of(sets));
    std::int64_t blocks = 0, other = 0;
    for (const TileBlocks& tile : by_keys.tiles) blocks += tile.blocks();
    for (const TileBlocks& tile : by_queries.tiles) other += tile.blocks();
    CHECK(blocks == other);
    const BlockMap masked = masked_key_tile_map(space, sets);
    CHECK(masked.needed() == by_keys.needed());
    CHECK(masked.tiles.front().blocks() == 13);  // every query sees the first keys as far as causality goes
  }
}

TEST_CASE("documents by key tiles are each a causal triangle of their own") {
  KeyPatternSizes sizes;
  sizes.lengths = {50, 100, 50};
  const KeyPattern* documents = find_key_pattern("documents");
  const ScoreSpace space{.queries = 200, .keys = 200, .tile_rows = 16, .tile_keys = 32};
  const KeySets sets(*documents, sizes, {200, 200, true}, 1);
  const BlockMap map = document_key_tile_map(space, sets);
  CHECK(map.needed() == 2 * 50 * 51 / 2 + 100 * 101 / 2);
  CHECK(map.tiles.size() == 2 + 4 + 2);
}

}  // namespace sparsesim
