// Closed forms of the score blocks against counting every score.

#include "models/sparsity/block_mask.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace sparsesim {
namespace {

bool is_needed(const ScoreSpace& s, std::int64_t row, std::int64_t key) {
  const std::int64_t position = row / s.group + s.keys - s.queries;
  if (!s.causal) return key < s.keys;
  return key <= position && (s.window == 0 || key > position - s.window);
}

// Counts scores one by one: a block is computed if it holds a needed score or lies between two that do.
TileBlocks count_tile(const ScoreSpace& s, std::int64_t tile) {
  TileBlocks counted;
  const std::int64_t begin = tile * s.tile_rows, end = std::min(begin + s.tile_rows, s.rows());
  counted.rows = end - begin;
  counted.first = s.keys;
  std::int64_t first_key = s.keys, last_key = -1;
  for (std::int64_t row = begin; row < end; ++row)
    for (std::int64_t key = 0; key < s.keys; ++key)
      if (is_needed(s, row, key)) {
        counted.needed += 1;
        first_key = std::min(first_key, key);
        last_key = std::max(last_key, key);
      }
  counted.first = first_key / s.tile_keys;
  counted.last = last_key / s.tile_keys + 1;
  counted.needed_keys = last_key - first_key + 1;
  for (std::int64_t block = counted.first; block < counted.last; ++block) {
    bool whole = true;
    for (std::int64_t row = begin; row < end; ++row)
      for (std::int64_t key = block * s.tile_keys; key < (block + 1) * s.tile_keys; ++key)
        whole = whole && key < s.keys && is_needed(s, row, key);
    counted.masked += whole ? 0 : 1;
  }
  return counted;
}

void check_space(const ScoreSpace& s) {
  CAPTURE(s.queries);
  CAPTURE(s.keys);
  CAPTURE(s.group);
  CAPTURE(s.window);
  CAPTURE(s.causal);
  CAPTURE(s.tile_rows);
  CAPTURE(s.tile_keys);
  for (std::int64_t tile = 0; tile < s.tiles(); ++tile) {
    const TileBlocks got = tile_blocks(s, tile), want = count_tile(s, tile);
    CAPTURE(tile);
    REQUIRE(got.first == want.first);
    REQUIRE(got.last == want.last);
    REQUIRE(got.masked == want.masked);
    REQUIRE(got.rows == want.rows);
    REQUIRE(got.needed == want.needed);
    REQUIRE(got.needed_keys == want.needed_keys);
  }
}

}  // namespace

TEST_CASE("block counts equal brute force on every small space") {
  for (std::int64_t keys = 1; keys <= 9; ++keys)
    for (std::int64_t queries = 1; queries <= keys; ++queries)
      for (std::int64_t group = 1; group <= 3; ++group)
        for (std::int64_t rows = 1; rows <= 5; ++rows)
          for (std::int64_t width = 1; width <= 4; ++width)
            for (std::int64_t window = -1; window <= keys; ++window)
              check_space({queries, keys, group, window >= 0, std::max<std::int64_t>(0, window), rows, width});
}

TEST_CASE("a window saves what lies outside it, and no more than its blocks hold") {
  for (std::int64_t keys = 1; keys <= 12; ++keys)
    for (std::int64_t window = 1; window <= keys; ++window)
      for (std::int64_t group = 1; group <= 2; ++group) {
        const ScoreSpace s{keys, keys, group, true, window, 4, 3};
        std::int64_t inactive = 0, skipped = 0, free_keys = 0;
        for (std::int64_t tile = 0; tile < s.tiles(); ++tile) {
          const TileBlocks counted = count_tile(s, tile);
          ScoreSpace causal = s;
          causal.window = 0;
          const std::int64_t first_needed =
              std::max<std::int64_t>(0, tile * s.tile_rows / group - window + 1);  // of the tile's lowest query
          for (std::int64_t row = tile * s.tile_rows; row < tile * s.tile_rows + counted.rows; ++row)
            for (std::int64_t key = 0; key < keys; ++key)
              if (is_needed(causal, row, key) && !is_needed(s, row, key)) {
                inactive += 1;
                skipped += key / s.tile_keys < counted.first ? 1 : 0;
                free_keys += key < first_needed ? 1 : 0;
              }
        }
        const WindowSavings savings = window_savings(s);
        REQUIRE(savings.inactive == inactive);
        REQUIRE(savings.in_skipped == skipped);
        REQUIRE(savings.in_free_keys == free_keys);
      }
}

TEST_CASE("a wider window never computes fewer blocks, and the widest is the causal triangle") {
  ScoreSpace s{1000, 1000, 2, true, 1, 128, 64};
  std::int64_t before = 0;
  for (s.window = 1; s.window <= 1000; ++s.window) {
    const std::int64_t blocks = score_totals(s).blocks;
    REQUIRE(blocks >= before);
    before = blocks;
  }
  s.window = 0;
  CHECK(score_totals(s).blocks == before);
  CHECK(score_totals(s).needed == 2 * 1000 * 1001 / 2);  // group * n (n + 1) / 2
}

}  // namespace sparsesim
