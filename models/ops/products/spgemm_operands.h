#pragma once
// The two masks of a sparse product and what is counted on them, each once, whatever number of kernels asks.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "models/ops/products/line_cache.h"
#include "models/sparsity/mask_draw.h"
#include "models/sparsity/product_counts.h"

namespace sparsesim {

/// Sizes and masks of A [m, k] and B [k, n].
struct SpgemmSize {
  std::int64_t m = 0, n = 0, k = 0;
  std::string dtype = "fp32";
  bool squared = false;                        // B is A
  MaskLaw law;                                 // of both, where they are drawn
  double a_sparsity = 0, b_sparsity = 0;       // shares of zeros, where they are drawn
  std::shared_ptr<const Mask> a_mask, b_mask;  // of files; null: drawn
  std::string kernel;                          // kernels whose names begin so; empty: any
};

/// Partial products of one op: every lowering looks at each of them, at some 3 ns.
inline constexpr double kPartialProductsMost = 0x1p28;

/// How the rows of B lie in memory and what is known about the cache that holds them.
struct FiberLayout {
  double entry_bytes = 8;  // of a stored number: value and column
  double line = 64;        // bytes of a line of the cache
  double capacity = 0;     // bytes of the cache that rows of B and unfinished results share
  std::int64_t radix = 0;  // rows of B that are merged at a time; 0: any number
  auto operator<=>(const FiberLayout&) const = default;
};

/// Lines of one row of A, over all its rows of B and unfinished results.
struct RowFetches {
  std::int32_t missed = 0;   // brought from memory, unfinished results that were pushed out among them
  std::int32_t found = 0;    // in the cache
  std::int32_t spilled = 0;  // lines of unfinished results pushed out to memory
};

class SpgemmOperands {
 public:
  /// Errors: TooLargeError beyond kPartialProductsMost.
  SpgemmOperands(const SpgemmSize& size, std::uint64_t seed);
  const Mask& a() const { return *a_; }
  const Mask& b() const { return *b_; }
  /// The same by columns: [k, m] and [n, k].
  const Mask& a_columns() const { return a_columns_; }
  const Mask& b_columns() const { return b_columns_; }
  const ProductCounts& counts() const { return counts_; }
  /// Merge trees of a radix, rows of B that a cache serves, unfinished results that are brought again: made when they
  /// are first asked for. Safe from several threads. Errors: TooLargeError for more pairs of tiles than
  /// kPartialProductsMost.
  std::shared_ptr<const MergeTree> tree(std::int64_t radix) const;
  std::shared_ptr<const std::vector<RowFetches>> fetches(const FiberLayout& layout) const;
  std::shared_ptr<const std::vector<std::int64_t>> brought(std::int64_t slab, std::int64_t tile) const;

 private:
  std::shared_ptr<const Mask> a_, b_;
  Mask a_columns_, b_columns_;
  ProductCounts counts_;
  mutable std::mutex mutex_;
  mutable std::map<std::int64_t, std::shared_ptr<const MergeTree>> trees_;
  mutable std::map<FiberLayout, std::shared_ptr<const std::vector<RowFetches>>> fetches_;
  mutable std::map<std::pair<std::int64_t, std::int64_t>, std::shared_ptr<const std::vector<std::int64_t>>> brought_;
};

/// The operands of the last few seeds.
class SpgemmOperandsMemo {
 public:
  std::shared_ptr<const SpgemmOperands> get(const SpgemmSize& size, std::uint64_t seed);

 private:
  std::mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<const SpgemmOperands>> known_;
};

/// Lines of memory and of the cache that the rows of B take, row after row of A.
std::vector<RowFetches> count_fetches(const Mask& a, const Mask& b, const MergeTree& tree, const FiberLayout& layout);

}  // namespace sparsesim
