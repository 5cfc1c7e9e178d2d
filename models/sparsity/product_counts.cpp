#include "models/sparsity/product_counts.h"

#include <algorithm>

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

std::vector<std::int64_t> partial_results(const Mask& a, const Mask& b, std::int64_t slab, std::int64_t columns) {
  std::vector<std::int64_t> brought(at(a.rows), 0);
  const std::int64_t slabs = ceil_div(b.columns, columns);
  std::vector<std::int64_t> there(at(slabs)), before(at(slabs));
  ColumnSet seen(b.columns);
  for (std::int64_t row = 0; row < a.rows; ++row) {
    seen.clear();
    std::fill(there.begin(), there.end(), 0);
    const auto places = a.row(row);
    for (std::size_t next = 0; next < places.size();) {
      const std::int64_t end = (places[next] / slab + 1) * slab;
      std::vector<bool> touched(at(slabs), false);
      before = there;
      for (; next < places.size() && places[next] < end; ++next)
        for (const std::int32_t column : b.row(places[next])) {
          const std::size_t group = at(column / columns);
          touched[group] = true;
          there[group] += seen.add(column);
        }
      for (std::size_t group = 0; group < touched.size(); ++group)
        if (touched[group]) brought[at(row)] += before[group];
    }
  }
  return brought;
}

}  // namespace sparsesim
