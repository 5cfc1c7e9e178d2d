#include "models/ops/gathers/gather_reuse.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sparsesim {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t kExactRanks = 1024;
constexpr double kBinGrowth = 1.01;

/// Integral of x^-exponent over [low, high], the sum over the ranks between by the midpoint rule.
double weight(double exponent, double low, double high) {
  if (exponent == 1) return std::log(high / low);
  return (std::pow(high, 1 - exponent) - std::pow(low, 1 - exponent)) / (1 - exponent);
}

/// 1 - (1 - p)^n.
double seen(double probability, double lookups) { return -std::expm1(lookups * std::log1p(-probability)); }

}  // namespace

RowPopularity::RowPopularity(std::int64_t rows, double exponent) {
  double total = 0;
  const auto add = [&](double count, double of_all) {
    bins_.push_back({count, of_all / count});
    total += of_all;
  };
  if (exponent == 0) {
    add(static_cast<double>(rows), 1);
    return;
  }
  const std::int64_t exact = std::min(rows, kExactRanks);
  for (std::int64_t rank = 1; rank <= exact; ++rank) add(1, std::pow(static_cast<double>(rank), -exponent));
  for (std::int64_t first = exact + 1; first <= rows;) {
    const auto grown = static_cast<std::int64_t>(static_cast<double>(first) * kBinGrowth);
    const std::int64_t last = std::min(rows, std::max(first, grown));
    add(static_cast<double>(last - first + 1),
        weight(exponent, static_cast<double>(first) - 0.5, static_cast<double>(last) + 0.5));
    first = last + 1;
  }
  for (Bin& bin : bins_) bin.probability /= total;
}

double RowPopularity::expected_distinct(double lookups) const {
  double rows = 0;
  for (const Bin& bin : bins_) rows += bin.rows * seen(bin.probability, lookups);
  return rows;
}

double RowPopularity::eviction_lookups(double capacity) const {
  const auto held = [&](double lookups) {
    double rows = 0;
    for (const Bin& bin : bins_) rows += bin.rows * -std::expm1(-bin.probability * lookups);
    return rows;
  };
  double low = capacity, high = std::max(1.0, 2 * capacity);  // t lookups bring at most t rows
  while (held(high) < capacity) {
    high *= 2;
    if (high > 1e18) return kInfinity;
  }
  for (int halving = 0; halving < 60; ++halving) {
    const double middle = 0.5 * (low + high);
    (held(middle) < capacity ? low : high) = middle;
  }
  return high;
}

double RowPopularity::expected_misses(double lookups, double capacity) const {
  double rows = 0;
  for (const Bin& bin : bins_) rows += bin.rows;
  const double until = capacity >= rows ? kInfinity : eviction_lookups(capacity);
  double misses = expected_distinct(std::min(lookups, until));
  if (lookups <= until) return misses;
  for (const Bin& bin : bins_)
    misses += (lookups - until) * bin.rows * bin.probability * std::exp(-bin.probability * until);
  return misses;
}

double RowPopularity::expected_mispredictions(double lookups) const {
  double wrong = 0;
  for (const Bin& bin : bins_) {
    const double mean = bin.probability * lookups;
    // Turn by turn: a share `more` of the rows has at least so many lookups. Long loops end once.
    constexpr double kLong = 32;
    if (mean > kLong) {
      wrong += bin.rows;
      continue;
    }
    double exactly = std::exp(-mean), more = 1;
    for (double turn = 1; more > 1e-9; ++turn) {
      const double next = std::max(0.0, more - exactly);
      wrong += bin.rows * std::min(next, more - next);
      more = next;
      exactly *= mean / turn;
    }
  }
  return wrong;
}

}  // namespace sparsesim
