#pragma once
// Random numbers that are the same everywhere: own generator, own distributions, one stream per name.

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>

#include "sim/core/error.h"

namespace sparsesim {

/// xoshiro256** 1.0 (Blackman and Vigna, 2018; period 2^256 - 1), seeded by splitmix64 as its authors advise.
///
/// Integer draws are identical on every machine. Real draws use log, sqrt, sin, cos and pow of the C library, whose
/// last bit may differ between libraries. A stream belongs to a component: RandomStream(seed, name); streams of other
/// names are unrelated, so a new component does not move the draws of the old ones.
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed) { fill(seed); }
  RandomStream(std::uint64_t seed, std::string_view name) {
    std::uint64_t hash = 0xCBF29CE484222325u;  // FNV-1a over the name
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
    std::uint64_t state = seed;
    fill(split_mix(state) ^ hash);
  }

  /// 64 uniform bits.
  std::uint64_t bits() {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }
  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform integer in [0, n), unbiased (Lemire's multiplication with rejection). Errors: SimulationError when n < 1.
  std::int64_t below(std::int64_t n) {
    require(n >= 1, "a random number below less than one");
    const auto range = static_cast<std::uint64_t>(n);
    Wide product = static_cast<Wide>(bits()) * range;
    if (static_cast<std::uint64_t>(product) < range) {
      const std::uint64_t threshold = (0 - range) % range;
      while (static_cast<std::uint64_t>(product) < threshold) product = static_cast<Wide>(bits()) * range;
    }
    return static_cast<std::int64_t>(product >> 64);
  }
  bool chance(double probability) { return uniform() < probability; }
  /// Exponential: -mean * log(1 - u).
  double exponential(double mean) { return -mean * std::log1p(-uniform()); }
  /// Normal by Box and Muller; every call draws twice, so the count of draws does not depend on history.
  double normal(double mean = 0.0, double deviation = 1.0) {
    const double radius = std::sqrt(-2.0 * std::log1p(-uniform()));
    return mean + deviation * radius * std::cos(2.0 * std::numbers::pi * uniform());
  }
  /// Power law on [low, high] with density ~ x^-exponent, by its inverse CDF:
  /// x = (low^(1-a) + u (high^(1-a) - low^(1-a)))^(1/(1-a)), and low (high/low)^u for a = 1.
  /// Errors: SimulationError unless 0 < low <= high.
  double power_law(double exponent, double low, double high) {
    require(low > 0.0 && low <= high, "a power law needs 0 < low <= high");
    const double u = uniform();
    if (exponent == 1.0) return low * std::pow(high / low, u);
    const double power = 1.0 - exponent;
    const double first = std::pow(low, power);
    return std::pow(first + u * (std::pow(high, power) - first), 1.0 / power);
  }

 private:
  __extension__ using Wide = unsigned __int128;
  static std::uint64_t rotate(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  static std::uint64_t split_mix(std::uint64_t& state) {
    std::uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  void fill(std::uint64_t seed) {
    for (std::uint64_t& word : state_) word = split_mix(seed);
  }
  std::uint64_t state_[4];
};

}  // namespace sparsesim
