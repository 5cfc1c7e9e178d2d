// Drawing bags, summing them, and checking the sums.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "validate/measure/cpu/gathers.h"
#include "validate/measure/cpu/timed_runner.h"

namespace sparsesim::measure {
namespace {

constexpr std::int64_t kTaskBags = 16;  // of a thread at a time

/// A bijection of [0, rows) that scatters neighbours: rank -> (step * rank + first) mod rows.
struct Scatter {
  std::int64_t rows, step = 1, first;
  Scatter(std::int64_t count, RandomStream& stream) : rows(count), first(stream.below(count)) {
    do {
      step = 1 + stream.below(rows);
    } while (std::gcd(step, rows) != 1);
  }
  std::int64_t operator()(std::int64_t rank) const { return (step * rank + first) % rows; }
};

}  // namespace

RankDraw::RankDraw(std::int64_t rows, double exponent) : rows_(rows) {
  if (exponent == 0) return;
  cumulative_.reserve(static_cast<std::size_t>(rows));
  double sum = 0;
  for (std::int64_t rank = 1; rank <= rows; ++rank)
    cumulative_.push_back(sum += std::pow(static_cast<double>(rank), -exponent));
}

std::int64_t RankDraw::operator()(RandomStream& stream) const {
  if (cumulative_.empty()) return stream.below(rows_);
  const double place = stream.uniform() * cumulative_.back();
  const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, place);
  return found - cumulative_.begin();
}

std::int64_t BagLists::distinct_rows() const {
  std::int64_t count = 0;
  for (const auto& table : by_row)
    for (std::size_t i = 0; i + 1 < table.size(); ++i) count += table[i].row != table[i + 1].row;
  return count;
}

BagLists draw_bags(const BagSizes& sizes, const RankDraw& ranks, RandomStream& stream) {
  const auto lookups = static_cast<std::size_t>(sizes.lookups());
  BagLists lists;
  lists.rows = Buffer<std::int64_t>(lookups);
  if (sizes.weighted) lists.weights = Buffer<float>(lookups);
  lists.sums = Buffer<float>(static_cast<std::size_t>(sizes.tables * sizes.bags * sizes.dim));
  for (float& weight : lists.weights) weight = static_cast<float>(stream.uniform());
  for (std::int64_t table = 0; table < sizes.tables; ++table) {
    const Scatter scatter(sizes.rows, stream);
    std::vector<NamedRow>& named = lists.by_row.emplace_back();
    for (std::int64_t bag = 0; bag < sizes.bags; ++bag)
      for (std::int64_t i = 0; i < sizes.pooling; ++i) {
        const auto at = static_cast<std::size_t>((table * sizes.bags + bag) * sizes.pooling + i);
        lists.rows[at] = scatter(ranks(stream));
        named.push_back({lists.rows[at], static_cast<std::int32_t>(bag), sizes.weighted ? lists.weights[at] : 1.0f});
      }
    std::stable_sort(named.begin(), named.end(), [](const NamedRow& a, const NamedRow& b) { return a.row < b.row; });
    named.push_back({std::numeric_limits<std::int64_t>::max(), 0, 0});
  }
  return lists;
}

void gather_sums(const BagSizes& sizes, const GatherKernels& kernels, const float* tables, const BagLists& lists,
                 [[maybe_unused]] int threads) {
  const std::int64_t pieces = (sizes.bags + kTaskBags - 1) / kTaskBags;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
  for (std::int64_t task = 0; task < sizes.tables * pieces; ++task) {
    const std::int64_t table = task / pieces, first = task % pieces * kTaskBags;
    RowBags bags;
    bags.table = tables + table * sizes.rows * sizes.dim;
    bags.dim = sizes.dim;
    bags.pooling = sizes.pooling;
    bags.rows = lists.rows.data() + table * sizes.bags * sizes.pooling;
    if (sizes.weighted) bags.weights = lists.weights.data() + table * sizes.bags * sizes.pooling;
    bags.sums = lists.sums.data() + table * sizes.bags * sizes.dim;
    kernels.gather(bags, first, std::min(first + kTaskBags, sizes.bags));
  }
}

float scan_sums(const BagSizes& sizes, const GatherKernels& kernels, const float* tables, const BagLists& lists,
                std::vector<Buffer<float>>& parts) {
  const auto results = static_cast<std::int64_t>(lists.sums.size());
  const std::int64_t own = sizes.bags * sizes.dim;
  const int threads = static_cast<int>(parts.size()) + 1;
  float unnamed = 0;
#pragma omp parallel for schedule(static, 1) num_threads(threads) if (threads > 1) reduction(+ : unnamed)
  for (int thread = 0; thread < threads; ++thread) {
    float* sums = thread == 0 ? lists.sums.data() : parts[static_cast<std::size_t>(thread - 1)].data();
    std::fill(sums, sums + results, 0.0f);
    const std::int64_t first = sizes.rows * thread / threads, last = sizes.rows * (thread + 1) / threads;
    for (std::int64_t table = 0; table < sizes.tables; ++table) {
      const std::vector<NamedRow>& named = lists.by_row[static_cast<std::size_t>(table)];
      const auto begin =
          std::partition_point(named.begin(), named.end(), [&](const NamedRow& n) { return n.row < first; });
      unnamed +=
          kernels.scan(tables + table * sizes.rows * sizes.dim, sizes.dim, first, last, &*begin, sums + table * own);
    }
  }
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
  for (std::int64_t i = 0; i < results; ++i)
    for (const Buffer<float>& part : parts)
      lists.sums[static_cast<std::size_t>(i)] += part[static_cast<std::size_t>(i)];
  return unnamed;
}

double bag_error(const BagSizes& sizes, const float* tables, const BagLists& lists, std::uint64_t seed) {
  const std::int64_t all = sizes.tables * sizes.bags;
  const std::int64_t checked = std::min(all, (kCheckedResults + sizes.dim - 1) / sizes.dim);
  RandomStream stream(seed, "measure/bags check");
  // A float sum of terms up to 1 loses 2^-24 of its size per term at most, and much less on average.
  LargestError error(1e-6 * static_cast<double>(1 + sizes.pooling));
  for (std::int64_t i = 0; i < checked; ++i) {
    const std::int64_t bag = checked < all ? stream.below(all) : i;
    const float* table = tables + bag / sizes.bags * sizes.rows * sizes.dim;
    for (std::int64_t column = 0; column < sizes.dim; ++column) {
      double sum = 0;
      for (std::int64_t at = bag * sizes.pooling; at < (bag + 1) * sizes.pooling; ++at) {
        const auto place = static_cast<std::size_t>(at);
        const double weight = sizes.weighted ? static_cast<double>(lists.weights[place]) : 1;
        sum += weight * static_cast<double>(table[lists.rows[place] * sizes.dim + column]);
      }
      error.compare(static_cast<double>(lists.sums[static_cast<std::size_t>(bag * sizes.dim + column)]), sum);
    }
  }
  return error.largest();
}

}  // namespace sparsesim::measure
