#pragma once
// How much of measured speedup follows from the ratio of zeros alone, and how much from what a run touches.

#include <optional>
#include <string>
#include <vector>

#include "validate/compare/summary.h"

namespace sparsesim {

/// Least-squares fit of y on an intercept and the given features: R^2 on the same rows.
///
/// features  [rows][columns]; columns that do not vary, or depend on earlier ones, add nothing
/// Nothing for fewer rows than columns + 2, or constant y.
/// Solved by rank-revealing QR (Eigen), so that collinear features are no error.
std::optional<double> regression_r_squared(const std::vector<std::vector<double>>& features,
                                           const std::vector<double>& y);

/// Shares of the variance of log(measured speedup) within one op and pattern.
struct VarianceExplained {
  std::string op, pattern;
  int rows = 0;
  std::optional<double> by_sparsity;    // regression on log(1 / (1 - s))
  std::optional<double> by_features;    // regression on feature_names()
  std::optional<double> by_simulation;  // log(predicted speedup) as it is; nothing is fitted, so it can be negative
};

/// One entry per op x pattern that has rows with a measured and a predicted speedup, in the order of the names.
std::vector<VarianceExplained> variance_explained(const std::vector<ComparedRow>& rows);
/// The access-pattern features in words, for the report.
std::string feature_names();

}  // namespace sparsesim
