#pragma once
// How much of measured speedup follows from the ratio of zeros alone, and how much from what a run touches.

#include <optional>
#include <string>
#include <vector>

#include "validate/compare/summary.h"

namespace sparsesim {

/// Cross-validated R^2 of a least-squares fit of y on an intercept and the given features: row i is predicted by the
/// fit to the rows j with j % folds != i % folds, so that nothing scores what it was fitted to. Can be negative.
///
/// features  [rows][columns]; columns that do not vary, or depend on earlier ones, add nothing
/// Nothing where a fit would have fewer rows than columns + 2, or for constant y.
/// Solved by rank-revealing QR (Eigen), so that collinear features are no error.
std::optional<double> cross_validated_r_squared(const std::vector<std::vector<double>>& features,
                                                const std::vector<double>& y, int folds = 5);

/// Share of the variance of measured speedup that access patterns explain, as published: "about 80 %". Compared with
/// by_features in reports; nothing is computed from it. Source: the experience that the quick estimate of
/// docs/output.md comes from.
inline constexpr double kPublishedShareExplained = 0.80;

/// Shares of the variance of log(measured speedup) within one op and pattern, or over all of them ("*").
struct VarianceExplained {
  std::string op, pattern;
  int rows = 0;
  std::optional<double> by_sparsity;    // regression on log(1 / (1 - s))
  std::optional<double> by_features;    // regression on feature_names()
  std::optional<double> by_simulation;  // log(predicted speedup) as it is; nothing is fitted, so it can be negative
};

/// One entry per op x pattern that has rows with a measured and a predicted speedup, in the order of the names; before
/// them one for all rows together where there are several.
std::vector<VarianceExplained> variance_explained(const std::vector<ComparedRow>& rows);
/// The access-pattern features in words, for the report.
std::string feature_names();

}  // namespace sparsesim
