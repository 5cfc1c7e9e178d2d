#include "models/sparsity/product_counts.h"

#include <algorithm>
#include <utility>

#include "sim/core/counts.h"

namespace sparsesim {
namespace {

/// Columns seen since the last clear(), which costs nothing.
class ColumnSet {
 public:
  explicit ColumnSet(std::int64_t columns) : mark_(at(columns), 0) {}
  void clear() { ++now_; }
  /// True the first time.
  bool add(std::int32_t column) {
    std::uint32_t& mark = mark_[at(column)];
    if (mark == now_) return false;
    mark = now_;
    return true;
  }

 private:
  std::vector<std::uint32_t> mark_;
  std::uint32_t now_ = 1;
};

/// Different columns of the rows of B that `places` name.
std::int64_t union_size(std::span<const std::int32_t> places, const Mask& b, ColumnSet& seen) {
  seen.clear();
  std::int64_t count = 0;
  for (const std::int32_t k : places)
    for (const std::int32_t column : b.row(k)) count += seen.add(column);
  return count;
}

}  // namespace

double partial_products(const Mask& a, const Mask& b) {
  std::int64_t products = 0;
  for (const std::int32_t k : a.indices) products += b.offsets[at(k) + 1] - b.offsets[at(k)];
  return real(products);
}

ProductCounts count_product(const Mask& a, const Mask& b) {
  ProductCounts counts;
  counts.row_products.reserve(at(a.rows));
  counts.row_results.reserve(at(a.rows));
  ColumnSet seen(b.columns);
  for (std::int64_t row = 0; row < a.rows; ++row) {
    std::int64_t products = 0;
    for (const std::int32_t k : a.row(row)) products += static_cast<std::int64_t>(b.row(k).size());
    counts.row_products.push_back(products);
    counts.row_results.push_back(union_size(a.row(row), b, seen));
    counts.products += real(products);
    counts.results += real(counts.row_results.back());
  }
  return counts;
}

MergeTree merge_tree(const Mask& a, const Mask& b, std::int64_t radix) {
  MergeTree tree;
  tree.offsets.reserve(at(a.rows) + 1);
  ColumnSet seen(b.columns);
  for (std::int64_t row = 0; row < a.rows; ++row) {
    const auto places = a.row(row);
    const auto count = static_cast<std::int64_t>(places.size());
    for (std::int64_t width = radix; width < count; width *= radix)
      for (std::int64_t first = 0; first < count; first += width)
        tree.results.push_back(static_cast<std::int32_t>(
            union_size(places.subspan(at(first), at(std::min(width, count - first))), b, seen)));
    tree.offsets.push_back(static_cast<std::int64_t>(tree.results.size()));
  }
  return tree;
}

std::vector<std::int64_t> partial_results(const Mask& a, const Mask& b, std::int64_t slab, std::int64_t tile) {
  const Mask a_tiles = coarsen(a, tile, tile), b_tiles = coarsen(b, tile, tile);
  const std::int64_t slabs = ceil_div(a.columns, slab);
  // Of each tile of results and slab of the depth: results new in it, and whether tiles of both operands meet there.
  std::vector<std::int32_t> fresh(at(slabs * b_tiles.columns));
  std::vector<char> met(fresh.size());
  std::vector<std::int64_t> meetings;  // of one row of tiles
  std::vector<std::int64_t> brought(at(a_tiles.rows), 0);
  ColumnSet seen(b.columns);
  for (std::int64_t block = 0; block < a_tiles.rows; ++block) {
    meetings.clear();
    for (const std::int32_t depth : a_tiles.row(block))
      for (const std::int32_t column : b_tiles.row(depth)) {
        const std::int64_t place = column * slabs + depth * tile / slab;
        if (!std::exchange(met[at(place)], 1)) meetings.push_back(place);
      }
    for (std::int64_t row = block * tile; row < std::min(a.rows, (block + 1) * tile); ++row) {
      seen.clear();
      for (const std::int32_t k : a.row(row))
        for (const std::int32_t column : b.row(k)) fresh[at(column / tile * slabs + k / slab)] += seen.add(column);
    }
    std::sort(meetings.begin(), meetings.end());
    std::int64_t there = 0, last = -1;
    for (const std::int64_t place : meetings) {
      if (place / slabs != last) there = 0;
      last = place / slabs;
      brought[at(block)] += there;
      there += std::exchange(fresh[at(place)], 0);
      met[at(place)] = 0;
    }
  }
  return brought;
}

double tile_pairs(const Mask& a, const Mask& b, std::int64_t tile) {
  return partial_products(coarsen(a, tile, tile), coarsen(b, tile, tile));
}

}  // namespace sparsesim
