#pragma once
// Sizes of memory.

#include <cstddef>

namespace sparsesim::measure {

inline constexpr std::size_t kKiB = 1024, kMiB = 1024 * kKiB;
/// Bytes of a cache line.
inline constexpr std::size_t kLine = 64;

/// The smallest multiple of `granule` that is at least n.
template <class T>
constexpr T round_up(T n, T granule) {
  return (n + granule - 1) / granule * granule;
}

}  // namespace sparsesim::measure
