// Counts of sparse products against multiplying the masks.
#include "models/sparsity/product_counts.h"

#include <doctest/doctest.h>

#include <set>

#include "models/sparsity/mask_draw.h"

namespace sparsesim {
namespace {

std::set<std::int32_t> columns_of(const Mask& b, std::span<const std::int32_t> places) {
  std::set<std::int32_t> columns;
  for (const std::int32_t k : places) columns.insert(b.row(k).begin(), b.row(k).end());
  return columns;
}

}  // namespace

TEST_CASE("partial products are the sum over the depth of a column's numbers times a row's") {
  const Mask a = draw_mask({}, 60, 80, 500, 1), b = draw_mask({}, 80, 70, 600, 2), columns = transpose(a);
  double products = 0;
  for (std::int64_t k = 0; k < 80; ++k) products += static_cast<double>(columns.row(k).size() * b.row(k).size());
  CHECK(partial_products(a, b) == products);
  const ProductCounts counts = count_product(a, b);
  CHECK(counts.products == products);
  double results = 0;
  for (std::int64_t row = 0; row < 60; ++row) {
    CHECK(counts.row_results[static_cast<std::size_t>(row)] == columns_of(b, a.row(row)).size());
    results += static_cast<double>(columns_of(b, a.row(row)).size());
  }
  CHECK(counts.results == results);
}

TEST_CASE("without a zero the counts are those of a dense product") {
  const Mask a = draw_mask({}, 12, 9, 12 * 9, 1), b = draw_mask({}, 9, 7, 9 * 7, 1);
  const ProductCounts counts = count_product(a, b);
  CHECK(counts.products == 12 * 9 * 7);
  CHECK(counts.results == 12 * 7);
  CHECK(counts.compression() == 9);
}

TEST_CASE("a merge tree has a group for each radix of rows, and a union in each") {
  const Mask a = draw_mask({}, 3, 20, 60, 1), b = draw_mask({}, 20, 50, 120, 2);
  const MergeTree tree = merge_tree(a, b, 4);  // 20 places: five groups of four, two of sixteen
  CHECK(tree.offsets == std::vector<std::int64_t>{0, 7, 14, 21});
  for (int group = 0; group < 5; ++group)
    CHECK(tree.results[static_cast<std::size_t>(group)] == columns_of(b, a.row(0).subspan(group * 4, 4)).size());
  CHECK(tree.results[5] == columns_of(b, a.row(0).subspan(0, 16)).size());
  CHECK(merge_tree(a, b, 20).results.empty());
}

TEST_CASE("results of a tile are brought again in each slab of the depth but the first, if tiles of both meet there") {
  const Mask a = draw_mask({}, 2, 8, 16, 1), b = draw_mask({}, 8, 6, 48, 1);
  CHECK(partial_results(a, b, 8, 2) == std::vector<std::int64_t>{0});
  CHECK(partial_results(a, b, 2, 2) == std::vector<std::int64_t>{36});  // three times all twelve
  CHECK(partial_results(a, b, 4, 2) == std::vector<std::int64_t>{12});
  // B's upper half alone is stored: the lower slab meets nothing.
  const Mask upper = mask_of_places(8, 6, std::vector<Place>{{0, 0}, {1, 3}, {3, 5}});
  CHECK(partial_results(a, upper, 4, 2) == std::vector<std::int64_t>{0});
  // The second slab of two adds to the first tile of results alone, and brings what is there: one of each row.
  const Mask both = mask_of_places(8, 6, std::vector<Place>{{0, 0}, {1, 3}, {2, 1}});
  CHECK(partial_results(a, both, 2, 2) == std::vector<std::int64_t>{2});
  CHECK(tile_pairs(a, both, 2) == 3);
}

}  // namespace sparsesim
