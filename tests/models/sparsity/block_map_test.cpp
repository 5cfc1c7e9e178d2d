// Patterns of attention against counting every score, and laws that hold for all of them.

#include "models/sparsity/block_map.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

namespace sparsesim {
namespace {

// The definition of each pattern, score by score.
bool is_needed(const KeyPattern& pattern, const KeySets& sets, std::int64_t query, std::int64_t key) {
  const KeyPatternSizes& s = sets.sizes();
  const KeySpan& span = sets.span();
  const std::int64_t position = query + span.keys - span.queries, back = position - key;
  if (key < 0 || key >= span.keys || (span.causal && back < 0)) return false;
  const bool near = span.causal ? back < s.window : back <= s.window / 2 && -back < s.window - s.window / 2;
  const auto in_block = [&] {
    const BlockRows& rows = sets.rows();
    const auto& row = rows.rows[static_cast<std::size_t>(query / rows.block_queries)];
    return std::find(row.begin(), row.end(), key / rows.block_keys) != row.end();
  };
  if (pattern.name == "window") return near;
  if (pattern.name == "global") return near || key < s.global || position < s.global;
  if (pattern.name == "sinks") return near || key < s.sinks;
  if (pattern.name == "dilated") {
    if (back % s.dilation != 0) return false;
    const std::int64_t steps = back / s.dilation;
    return span.causal ? steps < s.window : steps <= s.window / 2 && -steps <= s.window - 1 - s.window / 2;
  }
  if (pattern.name == "strided") return back < s.stride || back % s.stride == 0;
  if (pattern.name == "bigbird") return near || key < s.global || position < s.global || in_block();
  if (pattern.name == "documents") {
    const auto document = [&](std::int64_t token) {
      return std::upper_bound(sets.starts().begin(), sets.starts().end(), token) - sets.starts().begin();
    };
    return document(position) == document(key);
  }
  return in_block();
}

struct Counted {
  TileBlocks tile;
  std::int64_t computed = 0, inactive = 0, in_skipped = 0, in_free_keys = 0;
};

// One tile, score by score.
Counted count_tile(const ScoreSpace& s, const KeyPattern& pattern, const KeySets& sets, std::int64_t tile) {
  Counted counted;
  const std::int64_t begin = tile * s.tile_rows, end = std::min(begin + s.tile_rows, s.rows());
  const auto needed = [&](std::int64_t row, std::int64_t key) { return is_needed(pattern, sets, row / s.group, key); };
  const auto causal = [&](std::int64_t row, std::int64_t key) {
    return !s.causal || key <= row / s.group + s.keys - s.queries;
  };
  for (std::int64_t first = 0; first < s.keys; first += s.tile_keys) {
    std::int64_t in_block = 0, causal_scores = 0;
    for (std::int64_t key = first; key < std::min(s.keys, first + s.tile_keys); ++key) {
      std::int64_t on_key = 0, causal_on_key = 0;
      for (std::int64_t row = begin; row < end; ++row) {
        on_key += needed(row, key);
        causal_on_key += causal(row, key);
      }
      in_block += on_key;
      causal_scores += causal_on_key;
      counted.tile.needed_keys += on_key > 0;
      counted.in_free_keys += on_key > 0 ? 0 : causal_on_key;
    }
    counted.tile.needed += in_block;
    counted.inactive += causal_scores - in_block;
    counted.in_skipped += in_block > 0 ? 0 : causal_scores;
    if (in_block == 0) continue;
    counted.computed += 1;
    counted.tile.last = first / s.tile_keys + 1;
    counted.tile.masked += in_block == (end - begin) * s.tile_keys ? 0 : 1;
  }
  return counted;
}

KeyPatternSizes small_sizes(std::int64_t keys) {
  KeyPatternSizes sizes;
  sizes.window = std::max<std::int64_t>(1, keys / 4);
  sizes.dilation = 3;
  sizes.stride = 5;
  sizes.global = 2;
  sizes.sinks = 2;
  sizes.random = 2;
  sizes.block = 3;
  sizes.page = 4;
  sizes.pages = 2;
  sizes.query_block = 3;
  sizes.documents = 3;
  sizes.density = 0.3;
  return sizes;
}

const std::string* name_of(const KeyPattern& pattern) {
  static std::set<std::string> names;
  return &*names.emplace(pattern.name).first;
}

void check_space(const KeyPattern& pattern, const ScoreSpace& space, std::uint64_t seed) {
  const KeyPatternSizes sizes = small_sizes(space.keys);
  const KeySets sets(pattern, sizes, {space.queries, space.keys, space.causal}, seed);
  const BlockMap map = block_map(space, sets);
  CAPTURE(*name_of(pattern));
  CAPTURE(space.queries);
  CAPTURE(space.keys);
  CAPTURE(space.group);
  CAPTURE(space.causal);
  WindowSavings savings;
  for (std::int64_t tile = 0; tile < space.tiles(); ++tile) {
    const Counted want = count_tile(space, pattern, sets, tile);
    const TileBlocks& got = map.tiles[static_cast<std::size_t>(tile)];
    CAPTURE(tile);
    REQUIRE(got.blocks() == want.computed);
    REQUIRE(got.needed == want.tile.needed);
    REQUIRE(got.needed_keys == want.tile.needed_keys);
    REQUIRE(got.masked == want.tile.masked);
    REQUIRE((got.blocks() == 0 || got.last == want.tile.last));
    savings.inactive += want.inactive;
    savings.in_skipped += want.in_skipped;
    savings.in_free_keys += want.in_free_keys;
  }
  REQUIRE(map.savings.inactive == savings.inactive);
  REQUIRE(map.savings.in_skipped == savings.in_skipped);
  REQUIRE(map.savings.in_free_keys == savings.in_free_keys);
}

ScoreSpace square(std::int64_t tokens, std::int64_t tile, bool causal = true) {
  return {tokens, tokens, 1, causal, 0, tile, tile};
}

KeySets sets_of(const char* name, const KeyPatternSizes& sizes, const ScoreSpace& space, std::uint64_t seed = 1) {
  return {*find_key_pattern(name), sizes, {space.queries, space.keys, space.causal}, seed};
}

}  // namespace

TEST_CASE("every pattern: blocks, scores and keys of each tile equal a count of single scores") {
  for (const KeyPattern& pattern : key_patterns())
    for (const std::int64_t keys : {6, 17, 70, 131})
      for (const std::int64_t queries : {std::int64_t{1}, keys / 2, keys})
        for (const std::int64_t group : {1, 3})
          for (const std::int64_t tile_keys : {4, 7})
            for (const bool causal : {true, false}) {
              if (!causal && (!pattern.both_ways || queries != keys)) continue;
              if (pattern.name == "documents" && queries != keys) continue;
              check_space(pattern, {queries, keys, group, causal, 0, 5, tile_keys}, 3);
            }
}

TEST_CASE("a window counted score by score is the window in closed form") {
  for (const std::int64_t window : {1, 5, 64, 100}) {
    ScoreSpace closed = square(200, 16);
    closed.window = window;
    KeyPatternSizes sizes;
    sizes.window = window;
    const BlockMap counted = block_map(square(200, 16), sets_of("window", sizes, closed));
    const BlockMap formula = block_map(closed);
    CHECK(counted.needed() == formula.needed());
    CHECK(counted.savings.inactive == formula.savings.inactive);
    CHECK(counted.savings.in_skipped == formula.savings.in_skipped);
    CHECK(counted.savings.in_free_keys == formula.savings.in_free_keys);
    for (std::size_t i = 0; i < counted.tiles.size(); ++i)
      CHECK(counted.tiles[i].blocks() == formula.tiles[i].blocks());
  }
}

TEST_CASE("a pattern finer than the tile saves no block: dilation 2 computes as many as a window twice as long") {
  KeyPatternSizes wide, dilated;
  wide.window = 512;
  dilated.window = 256;
  dilated.dilation = 2;
  const ScoreSpace space = square(4096, 128);
  const BlockMap window = block_map(space, sets_of("window", wide, space));
  const BlockMap gaps = block_map(space, sets_of("dilated", dilated, space));
  for (std::size_t i = 0; i < window.tiles.size(); ++i) CHECK(gaps.tiles[i].blocks() == window.tiles[i].blocks());
  CHECK(gaps.needed() < 0.51 * static_cast<double>(window.needed()));
  CHECK(gaps.savings.inactive > window.savings.inactive);
  CHECK(gaps.savings.in_skipped == window.savings.in_skipped);
}

TEST_CASE("strided attention skips nothing where the stride is no longer than a tile") {
  KeyPatternSizes sizes;
  sizes.stride = 64;
  const ScoreSpace space = square(2048, 64);
  const BlockMap map = block_map(space, sets_of("strided", sizes, space));
  CHECK(map.savings.in_skipped == 0);
  CHECK(map.savings.inactive > 0);
}

TEST_CASE("every pattern computes at least what it needs, and skipping never computes more than masking") {
  for (const KeyPattern& pattern : key_patterns())
    for (const std::int64_t tile : {8, 32}) {
      const ScoreSpace space = square(256, tile);
      const KeyPatternSizes sizes = small_sizes(256);
      const KeySets sets(pattern, sizes, {256, 256, true}, 5);
      const BlockMap skip = block_map(space, sets), mask = masked_map(space, sets);
      CAPTURE(*name_of(pattern));
      CHECK(skip.needed() == mask.needed());
      CHECK(mask.savings.in_skipped == 0);
      for (std::size_t i = 0; i < skip.tiles.size(); ++i) {
        CHECK(skip.tiles[i].needed <= skip.tiles[i].blocks() * tile * tile);
        CHECK(skip.tiles[i].blocks() <= mask.tiles[i].blocks());
      }
    }
}

TEST_CASE("a union sees what its parts see: window, global tokens and random blocks add up") {
  KeyPatternSizes sizes = small_sizes(96);
  const ScoreSpace space = square(96, 8);
  const BlockMap window = block_map(space, sets_of("window", sizes, space));
  const BlockMap global = block_map(space, sets_of("global", sizes, space));
  const BlockMap bigbird = block_map(space, sets_of("bigbird", sizes, space));
  CHECK(window.needed() < global.needed());
  CHECK(global.needed() < bigbird.needed());
  for (std::size_t i = 0; i < window.tiles.size(); ++i) {
    CHECK(window.tiles[i].blocks() <= global.tiles[i].blocks());
    CHECK(global.tiles[i].blocks() <= bigbird.tiles[i].blocks());
  }
}

TEST_CASE("documents on tiles of their own need as much as on a common grid, and waste only their ragged ends") {
  KeyPatternSizes sizes;
  sizes.lengths = {100, 1, 60, 95};
  const ScoreSpace space = square(256, 16);
  const KeySets sets = sets_of("documents", sizes, space);
  const BlockMap packed = document_map(space, sets), grid = block_map(space, sets);
  CHECK(packed.needed() == grid.needed());
  CHECK(packed.needed() == (100 * 101 + 1 * 2 + 60 * 61 + 95 * 96) / 2);
  CHECK(packed.savings.inactive == grid.savings.inactive);
  CHECK(packed.savings.in_skipped == packed.savings.inactive);
  CHECK(grid.savings.in_skipped < grid.savings.inactive);  // documents share tiles
  CHECK(packed.tiles.size() == 7 + 1 + 4 + 6);             // ceil(length / 16) tiles each
}

TEST_CASE("one query reads the pages that it needs, whole, and no others") {
  KeyPatternSizes sizes;
  sizes.page = 16;
  sizes.pages = 10;
  sizes.query_block = 1;
  const ScoreSpace space{1, 1000, 4, true, 0, 64, 128};  // 62.5 pages: the last one holds 8 keys
  const BlockMap map = page_map(space, sets_of("retrieved", sizes, space), 16);
  REQUIRE(map.tiles.size() == 1);
  CHECK(map.tiles[0].read_keys == 9 * 16 + 8);
  CHECK(map.tiles[0].needed == 4 * (9 * 16 + 8));
  CHECK(map.tiles[0].blocks() == 2);  // 152 keys in blocks of 128
  KeyPatternSizes streaming;
  streaming.sinks = 4;
  streaming.window = 30;
  const BlockMap sinks = page_map(space, sets_of("sinks", streaming, space), 16);
  CHECK(sinks.tiles[0].needed == 4 * 34);
  CHECK(sinks.tiles[0].read_keys == 16 + (1000 - 960));  // the sinks' page, and keys 970.. from page 60 on
}

TEST_CASE("equal seeds draw equal sets, others other ones; budgets are kept") {
  KeyPatternSizes sizes = small_sizes(512);
  sizes.pages = 12;
  sizes.query_block = 8;
  const ScoreSpace space = square(512, 32);
  for (const char* name : {"bigbird", "retrieved", "blocks"}) {
    const KeySets a = sets_of(name, sizes, space, 1), b = sets_of(name, sizes, space, 1),
                  c = sets_of(name, sizes, space, 2);
    CHECK(a.rows().rows == b.rows().rows);
    CHECK(a.rows().rows != c.rows().rows);
    for (const std::vector<std::int32_t>& row : a.rows().rows) {
      if (!row.empty()) CHECK(row.front() >= 0);
      CHECK(std::is_sorted(row.begin(), row.end()));
      CHECK(std::adjacent_find(row.begin(), row.end()) == row.end());
      if (std::string(name) == "retrieved") CHECK(row.size() <= 12);
      if (std::string(name) == "bigbird") CHECK(row.size() <= 2);
    }
  }
  const KeySets retrieved = sets_of("retrieved", sizes, space);
  CHECK(retrieved.rows().rows.back().size() == 12);
}

}  // namespace sparsesim
