#pragma once
// Embedding bags on processors: sums of rows by number, against one scan of the table (docs/measuring.md).

#include <cstdint>
#include <vector>

#include "sim/core/random.h"
#include "validate/measure/cpu/aligned.h"
#include "validate/measure/cpu/kernels/gather.h"
#include "validate/measure/cpu/problems.h"

namespace sparsesim::measure {

/// Rows of op embedding_bag: dtype fp32; params tables rows dim bags pooling indices weighted, or m, n, k and sparsity
/// as the product that it is.
ProblemFamily embedding_bag_family();

struct BagSizes {
  std::int64_t tables = 1, rows = 0, dim = 0, bags = 0, pooling = 0;
  double exponent = 0;  // row i of the most popular ones is named with probability ~ i^-exponent
  bool weighted = false;

  std::int64_t lookups() const { return tables * bags * pooling; }
  std::int64_t elements() const { return tables * rows * dim; }
};

/// Ranks of popularity, 0 the most popular: the simulator's law.
class RankDraw {
 public:
  RankDraw(std::int64_t rows, double exponent);
  std::int64_t operator()(RandomStream& stream) const;

 private:
  std::int64_t rows_;
  std::vector<double> cumulative_;  // [rows]; empty: all alike
};

/// The bags of one call, and where their sums go.
struct BagLists {
  Buffer<std::int64_t> rows;                  // [tables, bags, pooling]
  Buffer<float> weights;                      // the same; empty: not weighted
  std::vector<std::vector<NamedRow>> by_row;  // [tables]: sorted by row, then one beyond all
  mutable Buffer<float> sums;                 // [tables, bags, dim]

  /// Rows of all tables that are named at least once.
  std::int64_t distinct_rows() const;
};

/// Draws bags. Which rows are popular is drawn anew each time: no list finds its rows in the caches because another one
/// used them.
BagLists draw_bags(const BagSizes& sizes, const RankDraw& ranks, RandomStream& stream);

/// Sums by number.
void gather_sums(const BagSizes& sizes, const GatherKernels& kernels, const float* tables, const BagLists& lists,
                 int threads);
/// Sums by one scan of the tables; every thread scans a part of the rows, all but the first into sums of their own:
/// `parts` [threads - 1], each as large as the results. Returns the sum of what no bag names.
float scan_sums(const BagSizes& sizes, const GatherKernels& kernels, const float* tables, const BagLists& lists,
                std::vector<Buffer<float>>& parts);

/// Largest error of the sums over the tolerance, on bags drawn by `seed` that have 4096 results (all where there are no
/// more), against sums in double precision.
double bag_error(const BagSizes& sizes, const float* tables, const BagLists& lists, std::uint64_t seed);

}  // namespace sparsesim::measure
