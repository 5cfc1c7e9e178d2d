#include "models/sparsity/block_map.h"

#include <algorithm>
#include <bit>

#include "sim/core/counts.h"

namespace sparsesim {
namespace {

/// A set of keys, 64 to a word.
class KeyBits {
 public:
  explicit KeyBits(std::int64_t keys) : words_(static_cast<std::size_t>(ceil_div(keys, 64))) {}
  void clear() { std::fill(words_.begin(), words_.end(), 0); }
  void add(const KeyRun& run) {
    if (run.step > 64) {
      for (std::int64_t key = run.first; key < run.last; key += run.step) words_[word(key)] |= bit(key);
    } else if (run.step > 1) {
      set_step(run.step);
      visit(run.first, run.last, [&](std::size_t index, std::uint64_t mask) {
        const std::int64_t ahead = (run.first - static_cast<std::int64_t>(index) * 64) % run.step;
        words_[index] |= mask & combs_[static_cast<std::size_t>(ahead < 0 ? ahead + run.step : ahead)];
      });
    } else {
      visit(run.first, run.last, [this](std::size_t index, std::uint64_t mask) { words_[index] |= mask; });
    }
  }
  bool has(std::int64_t key) const { return (words_[word(key)] & bit(key)) != 0; }
  /// Of the keys [first, last), those in the set.
  std::int64_t count(std::int64_t first, std::int64_t last) const {
    std::int64_t sum = 0;
    visit(first, last, [&](std::size_t index, std::uint64_t mask) { sum += std::popcount(words_[index] & mask); });
    return sum;
  }

 private:
  // Words with every step-th bit set, by the place of the first.
  void set_step(std::int64_t step) {
    if (static_cast<std::int64_t>(combs_.size()) == step) return;
    combs_.assign(static_cast<std::size_t>(step), 0);
    for (std::int64_t first = 0; first < step; ++first)
      for (std::int64_t i = first; i < 64; i += step) combs_[static_cast<std::size_t>(first)] |= bit(i);
  }
  static std::size_t word(std::int64_t key) { return static_cast<std::size_t>(key / 64); }
  static std::uint64_t bit(std::int64_t key) { return std::uint64_t{1} << (key % 64); }
  template <class F>
  static void visit(std::int64_t first, std::int64_t last, F&& f) {
    while (first < last) {
      const std::int64_t end = std::min(last, (first / 64 + 1) * 64), width = end - first;
      const std::uint64_t low = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
      f(word(first), low << (first % 64));
      first = end;
    }
  }
  std::vector<std::uint64_t> words_, combs_;
};

/// The rows of one tile, and what is causal for them.
struct TileRows {
  const ScoreSpace& space;
  std::int64_t begin, end;  // rows
  TileRows(const ScoreSpace& s, std::int64_t tile)
      : space(s), begin(tile * s.tile_rows), end(std::min(begin + s.tile_rows, s.rows())) {}
  std::int64_t low() const { return begin / space.group; }  // first and last query
  std::int64_t high() const { return (end - 1) / space.group; }
  /// Rows of the tile that belong to the query.
  std::int64_t of(std::int64_t query) const {
    return std::min(end, (query + 1) * space.group) - std::max(begin, query * space.group);
  }
  std::int64_t end_key(std::int64_t query) const {
    return space.causal ? query + space.keys - space.queries + 1 : space.keys;
  }
  /// Rows that may see the key.
  std::int64_t seeing(std::int64_t key) const {
    if (!space.causal) return end - begin;
    const std::int64_t query = key - (space.keys - space.queries);  // the first that sees it
    return std::clamp<std::int64_t>(end - query * space.group, 0, end - begin);
  }
  /// Causal scores on the keys [first, last).
  std::int64_t scores(std::int64_t first, std::int64_t last) const {
    const std::int64_t whole = std::clamp(end_key(low()), first, last);  // before it, every row sees the keys
    std::int64_t sum = (whole - first) * (end - begin);
    for (std::int64_t key = whole; key < std::min(last, end_key(high())); ++key) sum += seeing(key);
    return sum;
  }
};

/// Counts tile after tile with the same scratch memory.
class Counter {
 public:
  Counter(const ScoreSpace& space, const KeySets& sets)
      : space_(space),
        sets_(sets),
        bits_(space.keys),
        whole_(static_cast<std::size_t>(ceil_div(space.keys, space.tile_keys) + 1)) {}

  TileBlocks count(std::int64_t tile, WindowSavings& savings) {
    const TileRows rows(space_, tile);
    TileBlocks blocks;
    blocks.rows = rows.end - rows.begin;
    collect(rows, blocks);
    const std::int64_t end = rows.end_key(rows.high());
    std::int64_t computed = 0, causal = 0, covered = 0;  // blocks; causal scores; rows that need a whole block
    for (std::int64_t block = 0; block * space_.tile_keys < end; ++block) {
      const std::int64_t first = block * space_.tile_keys, last = std::min(first + space_.tile_keys, space_.keys);
      covered += whole_[static_cast<std::size_t>(block)];
      const std::int64_t seen = bits_.count(first, last);
      blocks.needed_keys += seen;
      if (seen == 0) continue;
      computed += 1;
      blocks.masked += covered == blocks.rows ? 0 : 1;
      blocks.last = block + 1;
      causal += rows.scores(first, last);
    }
    blocks.first = blocks.last - computed;
    const std::int64_t all = rows.scores(0, end);
    savings.inactive += all - blocks.needed;
    savings.in_skipped += all - causal;
    savings.in_free_keys += free_scores(rows, end);
    return blocks;
  }

 private:
  // Marks the keys of every row, and for each block how many rows need all of it (as differences).
  void collect(const TileRows& rows, TileBlocks& blocks) {
    bits_.clear();
    std::fill(whole_.begin(), whole_.end(), 0);
    for (std::int64_t query = rows.low(); query <= rows.high(); ++query) {
      sets_.see(query, runs_);
      for (const KeyRun& run : runs_) {
        blocks.needed += rows.of(query) * run.count();
        bits_.add(run);
        const std::int64_t first = ceil_div(run.first, space_.tile_keys), last = run.last / space_.tile_keys;
        if (run.step > 1 || first >= last) continue;
        whole_[static_cast<std::size_t>(first)] += rows.of(query);
        whole_[static_cast<std::size_t>(last)] -= rows.of(query);
      }
    }
  }

  // Causal scores on keys that no row of the tile needs.
  std::int64_t free_scores(const TileRows& rows, std::int64_t end) const {
    const std::int64_t whole = std::min(end, rows.end_key(rows.low()));
    std::int64_t sum = (whole - bits_.count(0, whole)) * (rows.end - rows.begin);
    for (std::int64_t key = whole; key < end; ++key)
      if (!bits_.has(key)) sum += rows.seeing(key);
    return sum;
  }

  const ScoreSpace& space_;
  const KeySets& sets_;
  KeyBits bits_;
  std::vector<std::int64_t> whole_;
  std::vector<KeyRun> runs_;
};

std::int64_t all_scores(const ScoreSpace& space) { return needed_scores(space, 0, space.rows()); }

}  // namespace

std::int64_t BlockMap::needed() const {
  std::int64_t sum = 0;
  for (const TileBlocks& tile : tiles) sum += tile.needed;
  return sum;
}

BlockMap block_map(const ScoreSpace& space) {
  BlockMap map;
  map.tiles.reserve(static_cast<std::size_t>(space.tiles()));
  for (std::int64_t tile = 0; tile < space.tiles(); ++tile) map.tiles.push_back(tile_blocks(space, tile));
  if (space.window > 0) map.savings = window_savings(space);
  return map;
}

BlockMap block_map(const ScoreSpace& space, const KeySets& sets) {
  BlockMap map;
  map.tiles.reserve(static_cast<std::size_t>(space.tiles()));
  Counter counter(space, sets);
  for (std::int64_t tile = 0; tile < space.tiles(); ++tile) map.tiles.push_back(counter.count(tile, map.savings));
  return map;
}

BlockMap masked_map(const ScoreSpace& space, const KeySets& sets) {
  ScoreSpace whole = space;
  whole.window = 0;
  BlockMap map = block_map(whole);
  std::vector<KeyRun> runs;
  for (std::int64_t tile = 0; tile < space.tiles(); ++tile) {
    const TileRows rows(space, tile);
    TileBlocks& blocks = map.tiles[static_cast<std::size_t>(tile)];
    blocks.masked = blocks.blocks();
    blocks.needed = 0;
    for (std::int64_t query = rows.low(); query <= rows.high(); ++query) {
      sets.see(query, runs);
      for (const KeyRun& run : runs) blocks.needed += rows.of(query) * run.count();
    }
  }
  map.savings.inactive = all_scores(whole) - map.needed();
  return map;
}

std::vector<TileBlocks> document_tiles(const ScoreSpace& space, const KeySets& sets, BlockMap (*map)(const ScoreSpace&),
                                       std::int64_t block) {
  std::vector<TileBlocks> tiles;
  std::int64_t offset = 0;  // blocks of the documents before
  for (std::size_t i = 0; i + 1 < sets.starts().size(); ++i) {
    ScoreSpace document = space;
    document.window = 0;
    document.queries = document.keys = sets.starts()[i + 1] - sets.starts()[i];
    for (TileBlocks tile : map(document).tiles) {
      tile.first += offset;
      tile.last += offset;
      tiles.push_back(tile);
    }
    offset += ceil_div(document.keys, block);
  }
  return tiles;
}

BlockMap document_map(const ScoreSpace& space, const KeySets& sets) {
  BlockMap map;
  map.tiles = document_tiles(space, sets, block_map, space.tile_keys);
  ScoreSpace whole = space;
  whole.window = 0;
  // No row meets another document's keys, whatever the tile: all of them are skipped.
  map.savings.inactive = map.savings.in_skipped = map.savings.in_free_keys = all_scores(whole) - map.needed();
  return map;
}

BlockMap page_map(const ScoreSpace& space, const KeySets& sets, std::int64_t page) {
  ScoreSpace by_page = space;
  by_page.tile_keys = page;
  BlockMap map = block_map(by_page, sets);
  for (TileBlocks& tile : map.tiles) {
    const std::int64_t ragged = tile.last * page > space.keys ? tile.last * page - space.keys : 0;
    tile.read_keys = tile.blocks() * page - ragged;  // the last page of the sequence ends with it
    tile.first = 0;
    tile.last = ceil_div(tile.read_keys, space.tile_keys);
    tile.masked = tile.read_keys % space.tile_keys == 0 && tile.needed_keys == tile.read_keys ? 0 : 1;
  }
  return map;
}

}  // namespace sparsesim
