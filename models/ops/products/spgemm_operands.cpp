#include "models/ops/products/spgemm_operands.h"

#include <algorithm>
#include <cmath>

#include "models/ops/limits.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

constexpr std::size_t kSeedsKept = 2;
constexpr const char* kProducts = "partial products of a sparse product";

std::shared_ptr<const Mask> drawn(const SpgemmSize& size, std::int64_t rows, std::int64_t columns, double sparsity,
                                  std::uint64_t seed) {
  // Those of uniform masks; where A and B are skewed alike there are more.
  if (!size.a_mask && !size.b_mask)
    require_at_most((1 - size.a_sparsity) * (1 - size.b_sparsity) * real(size.m) * real(size.n) * real(size.k),
                    kPartialProductsMost, kProducts);
  const double stored = std::round((1 - sparsity) * real(rows) * real(columns));
  require_at_most(stored, real(kDrawnPlacesMost), "places of a drawn mask");
  return std::make_shared<const Mask>(draw_mask(size.law, rows, columns, static_cast<std::int64_t>(stored), seed));
}

/// Lines of memory that one row of B lies on, from a packed array of rows.
struct LineRun {
  std::int64_t first = 0, last = -1;
};
LineRun lines_of(const Mask& b, std::int64_t row, const FiberLayout& layout) {
  const std::int64_t begin = b.offsets[at(row)], end = b.offsets[at(row) + 1];
  if (begin == end) return {};
  return {static_cast<std::int64_t>(real(begin) * layout.entry_bytes / layout.line),
          static_cast<std::int64_t>((real(end) * layout.entry_bytes - 1) / layout.line)};
}

/// Walks the rows of A in order: brings rows of B, puts unfinished results of a merge tree aside and takes them again.
class FetchWalk {
 public:
  FetchWalk(const Mask& a, const Mask& b, const MergeTree& tree, const FiberLayout& layout)
      : a_(a),
        b_(b),
        tree_(tree),
        layout_(layout),
        b_lines_(static_cast<std::int64_t>(std::ceil(real(b.stored()) * layout.entry_bytes / layout.line)) + 1),
        cache_(b_lines_ + most_unfinished(), static_cast<std::int64_t>(layout.capacity / layout.line)) {}

  std::vector<RowFetches> rows() {
    std::vector<RowFetches> all;
    all.reserve(at(a_.rows));
    for (std::int64_t row = 0; row < a_.rows; ++row) all.push_back(walk(row));
    return all;
  }

 private:
  std::int64_t lines(std::int64_t entries) const {
    return static_cast<std::int64_t>(std::ceil(real(entries) * layout_.entry_bytes / layout_.line));
  }
  std::int64_t unfinished(std::int64_t row) const {
    std::int64_t sum = 0;
    for (std::int64_t i = tree_.offsets[at(row)]; i < tree_.offsets[at(row) + 1]; ++i)
      sum += lines(tree_.results[at(i)]);
    return sum;
  }
  std::int64_t most_unfinished() const {
    std::int64_t most = 0;
    for (std::int64_t row = 0; row < a_.rows; ++row) most = std::max(most, unfinished(row));
    return most;
  }
  RowFetches walk(std::int64_t row) {
    RowFetches fetches;
    const std::int64_t spilled = cache_.spilled();
    for (const std::int32_t k : a_.row(row)) {
      const LineRun run = lines_of(b_, k, layout_);
      for (std::int64_t line = run.first; line <= run.last; ++line)
        ++(cache_.read(line) ? fetches.found : fetches.missed);
    }
    const std::int64_t end = b_lines_ + unfinished(row);
    for (std::int64_t line = b_lines_; line < end; ++line) cache_.produce(line);
    for (std::int64_t line = b_lines_; line < end; ++line) ++(cache_.consume(line) ? fetches.found : fetches.missed);
    fetches.spilled = static_cast<std::int32_t>(cache_.spilled() - spilled);
    return fetches;
  }

  const Mask& a_;
  const Mask& b_;
  const MergeTree& tree_;
  const FiberLayout& layout_;
  const std::int64_t b_lines_;
  LineCache cache_;
};

}  // namespace

std::vector<RowFetches> count_fetches(const Mask& a, const Mask& b, const MergeTree& tree, const FiberLayout& layout) {
  return FetchWalk(a, b, tree, layout).rows();
}

SpgemmOperands::SpgemmOperands(const SpgemmSize& size, std::uint64_t seed)
    : a_(size.a_mask ? size.a_mask : drawn(size, size.m, size.k, size.a_sparsity, seed)),
      b_(size.squared  ? a_
         : size.b_mask ? size.b_mask
                       : drawn(size, size.k, size.n, size.b_sparsity, seed + 1)) {
  require_at_most(partial_products(*a_, *b_), kPartialProductsMost, kProducts);
  a_columns_ = transpose(*a_);
  b_columns_ = transpose(*b_);
  counts_ = count_product(*a_, *b_);
}

std::shared_ptr<const MergeTree> SpgemmOperands::tree(std::int64_t radix) const {
  const std::lock_guard lock(mutex_);
  auto& tree = trees_[radix];
  if (!tree) tree = std::make_shared<const MergeTree>(merge_tree(*a_, *b_, radix > 0 ? radix : a_->columns + 2));
  return tree;
}

std::shared_ptr<const std::vector<RowFetches>> SpgemmOperands::fetches(const FiberLayout& layout) const {
  const auto merges = tree(layout.radix);
  const std::lock_guard lock(mutex_);
  auto& found = fetches_[layout];
  if (!found) found = std::make_shared<const std::vector<RowFetches>>(count_fetches(*a_, *b_, *merges, layout));
  return found;
}

std::shared_ptr<const std::vector<std::int64_t>> SpgemmOperands::brought(std::int64_t slab, std::int64_t tile) const {
  const std::lock_guard lock(mutex_);
  auto& found = brought_[{slab, tile}];
  if (found) return found;
  require_at_most(tile_pairs(*a_, *b_, tile), kPartialProductsMost, "pairs of tiles of a sparse product");
  return found = std::make_shared<const std::vector<std::int64_t>>(partial_results(*a_, *b_, slab, tile));
}

std::shared_ptr<const SpgemmOperands> SpgemmOperandsMemo::get(const SpgemmSize& size, std::uint64_t seed) {
  const std::lock_guard lock(mutex_);
  if (const auto found = known_.find(seed); found != known_.end()) return found->second;
  if (known_.size() >= kSeedsKept) known_.erase(known_.begin());
  return known_[seed] = std::make_shared<const SpgemmOperands>(size, seed);
}

}  // namespace sparsesim
