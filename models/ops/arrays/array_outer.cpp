#include <algorithm>
#include <cmath>
#include <vector>

#include "models/ops/arrays/array_dataflows.h"
#include "models/sparsity/row_counts.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

// Pairs of an element and an input, over all groups of weights, that are worked through at most, and inputs. Longer
// products repeat what their first groups and inputs do.
constexpr double kPairsMost = 2e6;
constexpr std::int64_t kInputsMost = 4096;

/// Vectors of `lanes` that so many numbers fill, the last one in part.
std::vector<double> lane_vectors(const RowCounts& counts, double lanes, bool exact) {
  std::vector<double> vectors;
  vectors.reserve(counts.units.size());
  for (const std::int32_t count : counts.units) vectors.push_back(exact ? count / lanes : std::ceil(count / lanes));
  return vectors;
}

}  // namespace

Launch lower_array_outer(const SpmmSize& size, const Kernel& kernel, const LowerContext& context) {
  const ArrayConstants constants = array_constants(kernel);
  const Densities densities = seen_densities(size, constants);
  const Ideal& ideal = context.ideal;
  const std::int64_t units = context.substrate.compute.units, k = std::min(size.k, kInputsMost);
  const std::int64_t rows = ceil_div(size.m, units);
  const auto group = std::min<std::int64_t>(size.n, static_cast<std::int64_t>(constants.weight_columns));
  const std::int64_t groups = ceil_div(size.n, group);
  const double drawn = std::clamp(std::floor(kPairsMost / (real(units) * real(k))), 1.0, real(groups));
  const auto sampled = static_cast<std::int64_t>(drawn);
  const std::vector<double> activations =
      lane_vectors(random_row_counts(units * k, rows, densities.activations, context.seed), constants.activation_lanes,
                   ideal.padding);
  const std::vector<double> weights =
      lane_vectors(random_row_counts(sampled * k, group, densities.weights, context.seed + 1), constants.weight_lanes,
                   ideal.padding);
  std::vector<double> busy(at(units));
  double end = 0;
  for (std::int64_t g = 0; g < sampled; ++g) {
    double longest = 0;
    for (std::int64_t unit = 0; unit < units; ++unit) {
      double cycles = 0;
      const double* const a = activations.data() + at(unit * k);
      const double* const w = weights.data() + at(g * k);
      for (std::int64_t input = 0; input < k; ++input) cycles += a[input] * w[input];
      busy[at(unit)] += cycles;
      longest = std::max(longest, cycles);
    }
    end += longest;
  }
  // The last group may be short, the inputs more than were drawn, and the last rows missing.
  const double repeated = real(size.n) / real(group) / drawn * real(size.k) / real(k);
  const double present = ideal.padding ? real(size.m) / (real(rows) * real(units)) : 1;
  double sum = 0;
  for (const double each : busy) sum += each;
  std::vector<ElementWork> work;
  for (const double each : busy) {
    const double cycles = (ideal.imbalance ? sum / real(units) : each) * repeated * present;
    work.push_back({cycles, ideal.imbalance ? 0 : (end - each) * repeated * present});
  }
  const double issued = sum * repeated * present * constants.activation_lanes * constants.weight_lanes;
  return array_launch(size, kernel, work, useful_pairs(size), issued, context);
}

}  // namespace sparsesim
