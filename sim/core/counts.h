#pragma once
// Arithmetic on 64-bit counts, which models do all day.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>

namespace sparsesim {

/// How many pieces of `b` hold `a`. a >= 0, b > 0.
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
/// The next whole multiple of `granule` > 0.
constexpr std::int64_t round_up(std::int64_t value, std::int64_t granule) { return ceil_div(value, granule) * granule; }
/// The same of real numbers; no granule (0 or less) rounds nothing.
inline double round_up(double value, double granule) {
  return granule > 0 ? std::ceil(value / granule) * granule : value;
}
/// A count as a real number; exact below 2^53.
constexpr double real(std::int64_t count) { return static_cast<double>(count); }
/// A count as an index of a container.
constexpr std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }
inline std::int64_t sum(std::span<const std::int64_t> counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}
inline double log2_of(std::int64_t count) { return std::log2(real(count)); }

}  // namespace sparsesim
