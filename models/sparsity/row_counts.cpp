#include "models/sparsity/row_counts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/core/random.h"

namespace sparsesim {

std::int64_t RowCounts::total() const { return std::accumulate(units.begin(), units.end(), std::int64_t{0}); }

double RowCounts::density() const {
  const double places = static_cast<double>(units.size()) * static_cast<double>(columns);
  return places > 0 ? static_cast<double>(total()) / places : 0;
}

namespace {

constexpr std::size_t kNormalsKept = 1 << 16;  // 512 KiB

double sum_of_twelve(RandomStream& random) {
  double normal = -6;  // twelve uniforms have variance 1
  for (int i = 0; i < 12; ++i) normal += random.uniform();
  return normal;
}

/// What a seed draws first, kept: the points of a sweep take the same normal numbers at every density.
struct FirstNormals {
  explicit FirstNormals(std::uint64_t of_seed) : seed(of_seed), random(of_seed, "sparse rows") {}
  std::uint64_t seed;
  RandomStream random;  // draws what follows `values`
  std::vector<double> values;
};

}  // namespace

RowCounts random_row_counts(std::int64_t rows, std::int64_t columns, double density, std::uint64_t seed) {
  RowCounts counts{std::vector<std::int32_t>(static_cast<std::size_t>(rows)), columns};
  const double mean = static_cast<double>(columns) * density, deviation = std::sqrt(mean * (1 - density));
  thread_local FirstNormals first(seed);
  if (first.seed != seed) first = FirstNormals(seed);
  const std::size_t kept = std::min(counts.units.size(), kNormalsKept);
  while (first.values.size() < kept) first.values.push_back(sum_of_twelve(first.random));
  const auto each_row = [&](auto&& use) {
    for (std::size_t row = 0; row < kept; ++row) use(row, first.values[row]);
    RandomStream further = first.random;  // behind all that is kept, where there are more rows than that
    for (std::size_t row = kept; row < counts.units.size(); ++row) use(row, sum_of_twelve(further));
  };
  const auto share_of = [&](double normal) {
    return std::clamp(mean + deviation * normal, 0.0, static_cast<double>(columns));
  };
  double shares = 0;
  each_row([&](std::size_t, double normal) { shares += share_of(normal); });
  // The rows' shares of all units that there are; what rounding leaves over goes to the next row.
  const double all = std::floor(mean * static_cast<double>(rows) + 0.5), scale = shares > 0 ? all / shares : 0;
  double due = 0, given = 0;
  each_row([&](std::size_t row, double normal) {
    due += scale * share_of(normal);
    const double units = std::clamp(std::floor(due + 0.5) - given, 0.0, static_cast<double>(columns));
    counts.units[row] = static_cast<std::int32_t>(units);
    given += units;
  });
  // Full rows at the end pass theirs on to the first with room.
  for (std::size_t row = 0; given < all; row = (row + 1) % counts.units.size())
    if (counts.units[row] < columns) ++counts.units[row], ++given;
  return counts;
}

RowCounts in_smaller_units(const RowCounts& counts, std::int64_t rows, std::int64_t columns) {
  RowCounts smaller{{}, counts.columns * columns};
  smaller.units.reserve(counts.units.size() * static_cast<std::size_t>(rows));
  for (const std::int32_t units : counts.units)
    smaller.units.insert(smaller.units.end(), static_cast<std::size_t>(rows),
                         static_cast<std::int32_t>(units * columns));
  return smaller;
}

RowCounts padded_to_longest(RowCounts counts) {
  if (!counts.units.empty())
    counts.units.assign(counts.units.size(), *std::max_element(counts.units.begin(), counts.units.end()));
  return counts;
}

RowCounts equal_row_counts(std::int64_t rows, std::int64_t columns, double density) {
  const double units = std::floor(static_cast<double>(columns) * density + 0.5);
  return {std::vector<std::int32_t>(static_cast<std::size_t>(rows), static_cast<std::int32_t>(units)), columns};
}

}  // namespace sparsesim
