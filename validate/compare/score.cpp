#include "validate/compare/score.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace sparsesim {

double absolute_percentage_error(double predicted, double measured) {
  return 100.0 * std::abs(predicted - measured) / measured;
}

std::optional<double> mean(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<double> quantile(std::span<const double> values, double share) {
  if (values.empty()) return std::nullopt;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double position = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

std::optional<double> sign_accuracy(std::span<const double> predicted, std::span<const double> measured) {
  int decided = 0, right = 0;
  for (std::size_t i = 0; i < measured.size(); ++i) {
    if (std::abs(measured[i] - 1.0) <= kNoWinnerBand) continue;
    ++decided;
    if ((predicted[i] - 1.0) * (measured[i] - 1.0) > 0.0) ++right;
  }
  if (decided == 0) return std::nullopt;
  return 100.0 * right / decided;
}

std::vector<double> average_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first + 1;
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    const double shared = (static_cast<double>(first + 1) + static_cast<double>(end)) / 2.0;
    for (; first < end; ++first) ranks[order[first]] = shared;
  }
  return ranks;
}

std::optional<double> rank_correlation(std::span<const double> predicted, std::span<const double> measured) {
  const auto x = average_ranks(predicted), y = average_ranks(measured);
  const double middle = (static_cast<double>(x.size()) + 1.0) / 2.0;
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - middle) * (y[i] - middle);
    xx += (x[i] - middle) * (x[i] - middle);
    yy += (y[i] - middle) * (y[i] - middle);
  }
  if (xx <= 0 || yy <= 0) return std::nullopt;
  return xy / std::sqrt(xx * yy);
}

std::optional<double> r_squared(std::span<const double> fitted, std::span<const double> measured) {
  const auto average = mean(measured);
  if (!average) return std::nullopt;
  double residual = 0, total = 0;
  for (std::size_t i = 0; i < measured.size(); ++i) {
    residual += (measured[i] - fitted[i]) * (measured[i] - fitted[i]);
    total += (measured[i] - *average) * (measured[i] - *average);
  }
  if (total <= 0) return std::nullopt;
  return 1.0 - residual / total;
}

}  // namespace sparsesim
