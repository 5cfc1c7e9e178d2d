#pragma once
// Arithmetic that kernels and the host share, so that tests run it without a GPU. Kernels may call it because it is
// constexpr (nvcc --expt-relaxed-constexpr).

#include <cstdint>

namespace sparsesim::measure {

/// A number of a stream: SplitMix64's finaliser of (seed, index). Equal on host and device.
constexpr std::uint64_t random_bits(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t x = seed + (index + 1) * 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

/// Uniform in [0, 1), exact in 24 bits.
constexpr float random_unit(std::uint64_t seed, std::uint64_t index) {
  return static_cast<float>(random_bits(seed, index) >> 40) * 0x1p-24f;
}

/// A whole number in [0, count), count at most 2^32: the high half of a product, so that no division is needed.
constexpr std::uint32_t random_below(std::uint64_t seed, std::uint64_t index, std::uint64_t count) {
  return static_cast<std::uint32_t>(((random_bits(seed, index) >> 32) * count) >> 32);
}

/// Which keys a query sees. Positions count from 0 in queries and keys alike.
struct ScoreMask {
  std::int32_t keys = 0;
  bool causal = true;
  std::int32_t window = 0;             // keys seen, the query's own included; 0: no window
  std::int32_t block = 0;              // side of the blocks of `kept`; 0: no such mask
  const std::uint8_t* kept = nullptr;  // [query blocks, key blocks], row-major: blocks that are kept

  constexpr bool sees(std::int32_t query, std::int32_t key) const {
    if (key >= keys || (causal && key > query)) return false;
    if (window > 0 && key + window <= query) return false;
    return block == 0 || kept[(query / block) * ((keys + block - 1) / block) + key / block] != 0;
  }
};

}  // namespace sparsesim::measure
