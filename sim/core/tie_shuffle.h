#pragma once
// A permutation of ids by seed, so that a test can show that results do not lean on who wins a tie.

#include <cstdint>

namespace sparsesim {

/// A bijection of the 32-bit numbers chosen by a seed; unshuffle(shuffle(x)) == x for every x.
class TieShuffle {
 public:
  explicit TieShuffle(std::uint64_t seed = 0)
      : mask_(static_cast<std::uint32_t>(seed ^ (seed >> 32))),
        factor_(static_cast<std::uint32_t>((seed * 0x9E3779B97F4A7C15u) >> 32) | 1u) {
    inverse_ = factor_;  // Newton: each round doubles the number of right low bits, starting from 3
    for (int round = 0; round < 4; ++round) inverse_ *= 2u - factor_ * inverse_;
  }
  std::uint32_t shuffle(std::uint32_t id) const { return fold((id ^ mask_) * factor_) * factor_; }
  std::uint32_t unshuffle(std::uint32_t id) const { return (fold(id * inverse_) * inverse_) ^ mask_; }

 private:
  static std::uint32_t fold(std::uint32_t x) { return x ^ (x >> 16); }  // its own inverse
  std::uint32_t mask_;
  std::uint32_t factor_;
  std::uint32_t inverse_;
};

}  // namespace sparsesim
