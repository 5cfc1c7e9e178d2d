#pragma once
// Exponentials of registers of floats.

#include "validate/measure/cpu/kernels/simd.h"

namespace sparsesim::measure {
namespace {

template <class S>
using VectorOf = typename S::Vector;
template <class S>
using BitsOf [[gnu::vector_size(sizeof(VectorOf<S>))]] = std::int32_t;

[[gnu::always_inline]] inline float larger(float a, float b) { return a > b ? a : b; }

template <class S>
[[gnu::always_inline]] inline float largest_of(VectorOf<S> vector) {
  float largest = vector[0];
  for (int i = 1; i < S::lanes; ++i) largest = larger(largest, vector[i]);
  return largest;
}

/// 2^(x + 1/2), exactly 0 from x = -127.5 down; below 2^127.
///
/// x = n + f with |f| <= 1/2; 2^(f + 1/2) in [1, 2) by a polynomial whose largest relative error of 7.5e-8 is the least
/// of degree 5 (Remez exchange), times 2^n by n's bits in the exponent. No result is subnormal.
template <class S>
[[gnu::always_inline]] inline VectorOf<S> power_of_two(VectorOf<S> x) {
  constexpr float kRound = 0x1.8p23f + 127;  // adding it leaves n + 127, an exponent's bits, in the lowest bits
  x = x > VectorOf<S>{} - 127.5f ? x : VectorOf<S>{} - 127.5f;
  const VectorOf<S> rounded = x + kRound;
  const VectorOf<S> f = x - (rounded - kRound);
  VectorOf<S> power = VectorOf<S>{} + 0.0018775767f;
  power = power * f + 0.0136832818f;
  power = power * f + 0.0784989399f;
  power = power * f + 0.3397240751f;
  power = power * f + 0.9802578416f;
  power = power * f + 1.4142136637f;
  return power * reinterpret_cast<VectorOf<S>>(reinterpret_cast<BitsOf<S>>(rounded) << 23);
}

}  // namespace
}  // namespace sparsesim::measure
