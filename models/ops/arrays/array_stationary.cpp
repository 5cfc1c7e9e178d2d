#include <algorithm>
#include <cmath>

#include "models/ops/arrays/array_dataflows.h"
#include "models/ops/dense/gemm_kernels.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

/// One operand [depth, columns] stays on the multipliers, rows of the other one [rows, depth] pass by.
struct Roles {
  double rows = 0, depth = 0, columns = 0;
  double stationary = 1, passing = 1;  // densities, as far as the engine can tell

  double numbers() const { return depth * columns * stationary; }
  /// Numbers that a step moves: those of its row that a fold needs, and a sum for each column of the fold. Folds are
  /// cut so that both are as few as can be: columns = sqrt(multipliers passing / stationary).
  double moved(double multipliers) const {
    const double least = std::max(1.0, multipliers / std::max(1.0, depth * stationary));
    const double balanced = std::sqrt(multipliers * passing / std::max(stationary, 1e-9));
    const double wide = std::min(columns, std::max(least, balanced));
    const double deep = std::min(depth, multipliers / std::max(1e-9, wide * stationary));
    return deep * passing + wide;
  }
};

/// Cycles of all folds: each is loaded, then passed by every row, then drained.
double stationary_cycles(const Roles& roles, double multipliers, const ArrayConstants& constants, double bytes,
                         bool exact) {
  const double filled = roles.numbers() / multipliers;
  const double folds = exact ? filled : std::ceil(filled);
  const double bandwidth = constants.distribution_bytes;
  const double load = bandwidth > 0 ? roles.numbers() * bytes / bandwidth : 0;
  const double moved = bandwidth > 0 ? roles.moved(multipliers) * bytes / bandwidth : 0;
  return load + folds * (roles.rows * std::max(1.0, moved) + (exact ? 0 : constants.tree_cycles));
}

}  // namespace

Launch lower_array_stationary(const SpmmSize& size, const Kernel& kernel, const LowerContext& context) {
  const ArrayConstants constants = array_constants(kernel);
  const Densities densities = seen_densities(size, constants);
  const std::int64_t units = context.substrate.compute.units;
  const double multipliers = real(units) * constants.activation_lanes;
  const double m = real(size.m), n = real(size.n), k = real(size.k);
  const Roles weights_stay{m, k, n, densities.weights, densities.activations};
  const Roles activations_stay{n, k, m, densities.activations, densities.weights};
  const double bytes = element_bytes(size.dtype);
  const bool exact = context.ideal.padding;
  const double first = stationary_cycles(weights_stay, multipliers, constants, bytes, exact);
  const double second = stationary_cycles(activations_stay, multipliers, constants, bytes, exact);
  const Roles& roles = first <= second ? weights_stay : activations_stay;
  const ElementWork each{std::min(first, second), 0};
  return array_launch(size, kernel, std::vector<ElementWork>(at(units), each), useful_pairs(size),
                      roles.numbers() * roles.rows, context);
}

}  // namespace sparsesim
