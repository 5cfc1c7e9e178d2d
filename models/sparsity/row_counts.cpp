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

RowCounts random_row_counts(std::int64_t rows, std::int64_t columns, double density, std::uint64_t seed) {
  RandomStream random(seed, "sparse rows");
  RowCounts counts{std::vector<std::int32_t>(static_cast<std::size_t>(rows)), columns};
  const double mean = static_cast<double>(columns) * density, deviation = std::sqrt(mean * (1 - density));
  for (std::int32_t& units : counts.units) {
    double normal = -6;  // twelve uniforms have variance 1
    for (int i = 0; i < 12; ++i) normal += random.uniform();
    units = static_cast<std::int32_t>(
        std::clamp(std::floor(mean + deviation * normal + 0.5), 0.0, static_cast<double>(columns)));
  }
  return counts;
}

RowCounts equal_row_counts(std::int64_t rows, std::int64_t columns, double density) {
  const double units = std::floor(static_cast<double>(columns) * density + 0.5);
  return {std::vector<std::int32_t>(static_cast<std::size_t>(rows), static_cast<std::int32_t>(units)), columns};
}

}  // namespace sparsesim
