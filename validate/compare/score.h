#pragma once
// How well predictions match measurements: pure functions of two equally long lists.

#include <optional>
#include <span>
#include <vector>

namespace sparsesim {

/// Absolute percentage error of one prediction: 100 * |predicted - measured| / measured. measured > 0.
double absolute_percentage_error(double predicted, double measured);

/// Arithmetic mean. Nothing for an empty list.
std::optional<double> mean(std::span<const double> values);

/// The value below which a share of the values lies, 0 <= share <= 1; 0.5 is the median. Nothing for an empty list.
/// Between two ranks it interpolates linearly: position share * (n - 1) of the sorted values.
/// Source: Hyndman and Fan, "Sample Quantiles in Statistical Packages", 1996, definition 7.
std::optional<double> quantile(std::span<const double> values, double share);

/// Half-width of the band around 1x in which a speedup names no winner.
inline constexpr double kNoWinnerBand = 0.10;

/// Percentage of rows whose winner was predicted: of the rows with |measured - 1| > kNoWinnerBand, those where
/// predicted and measured lie on the same side of 1. A prediction of exactly 1 names no winner and counts as wrong.
/// Both lists are speedups (dense time over sparse time). Nothing if no row has a winner.
std::optional<double> sign_accuracy(std::span<const double> predicted, std::span<const double> measured);

/// Ranks 1..n in ascending order; equal values share the average of their ranks.
std::vector<double> average_ranks(std::span<const double> values);

/// Spearman's rank correlation: Pearson's correlation of the average ranks, -1..1.
/// Nothing for fewer than two rows, or where one list is constant.
/// Source: Spearman, "The Proof and Measurement of Association between Two Things", 1904.
std::optional<double> rank_correlation(std::span<const double> predicted, std::span<const double> measured);

/// Share of the variance of `measured` that `fitted` explains: 1 - sum (m - f)^2 / sum (m - mean)^2.
/// 1 is perfect, 0 no better than the mean, negative worse. Nothing for fewer than two rows or constant `measured`.
std::optional<double> r_squared(std::span<const double> fitted, std::span<const double> measured);

}  // namespace sparsesim
