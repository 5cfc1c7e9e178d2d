#pragma once
// Softmax and choice of experts, and the activation between two products.

#include "validate/measure/cpu/kernels/experts.h"
#include "validate/measure/cpu/kernels/exponential.h"

namespace sparsesim::measure {
namespace {

constexpr float kLog2E = 1.44269504f;

/// The top_k largest of `scores`, which are overwritten.
inline void take_largest(float* scores, int experts, int top_k, std::int32_t* chosen, float* shares) {
  for (int slot = 0; slot < top_k; ++slot) {
    int best = 0;
    for (int expert = 1; expert < experts; ++expert)
      if (scores[expert] > scores[best]) best = expert;
    chosen[slot] = best;
    shares[slot] = scores[best];
    scores[best] = -1;  // below every share
  }
}

template <class S>
void choose(const float* logits, std::int64_t tokens, int experts, int top_k, std::int32_t* chosen, float* shares) {
  alignas(64) float scores[kExpertsMost + S::lanes];
  const int padded = (experts + S::lanes - 1) / S::lanes * S::lanes;
  for (std::int64_t token = 0; token < tokens; ++token) {
    for (int i = 0; i < experts; ++i) scores[i] = logits[token * experts + i];
    for (int i = experts; i < padded; ++i) scores[i] = -__builtin_inff();
    VectorOf<S> most = S::load(scores);
    for (int i = S::lanes; i < padded; i += S::lanes) {
      const VectorOf<S> next = S::load(scores + i);
      most = most > next ? most : next;
    }
    const float shift = -largest_of<S>(most) * kLog2E - 0.5f;
    VectorOf<S> sums{};
    for (int i = 0; i < padded; i += S::lanes) {
      const VectorOf<S> power = power_of_two<S>(S::load(scores + i) * kLog2E + shift);
      S::store(scores + i, power);
      sums += power;
    }
    take_largest(scores, experts, top_k, chosen + token * top_k, shares + token * top_k);
    float sum = 0;
    for (int i = 0; i < S::lanes; ++i) sum += sums[i];
    for (int slot = 0; slot < top_k; ++slot) shares[token * top_k + slot] /= sum;
  }
}

template <class S>
[[gnu::always_inline]] inline VectorOf<S> silu(VectorOf<S> x) {
  VectorOf<S> exponent = x * -kLog2E - 0.5f;
  exponent = exponent < VectorOf<S>{} + 126.0f ? exponent : VectorOf<S>{} + 126.0f;
  return x / (1.0f + power_of_two<S>(exponent));
}

template <class S>
[[gnu::always_inline]] inline VectorOf<S> squared_positive(VectorOf<S> x) {
  const VectorOf<S> positive = x > VectorOf<S>{} ? x : VectorOf<S>{};
  return positive * positive;
}

template <class S>
void activate(const float* from, std::int64_t rows, std::int64_t width, bool gated, float* to) {
  const std::int64_t whole = width / S::lanes * S::lanes;
  const typename S::Mask mask = S::first(width - whole);
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* gate = from + row * width * (gated ? 2 : 1);
    const float* up = gate + width;
    float* result = to + row * width;
    for (std::int64_t i = 0; i < whole; i += S::lanes)
      S::store(result + i,
               gated ? silu<S>(S::load(gate + i)) * S::load(up + i) : squared_positive<S>(S::load(gate + i)));
    if (whole == width) continue;
    const VectorOf<S> last = S::load(gate + whole, mask);
    S::store(result + whole, gated ? silu<S>(last) * S::load(up + whole, mask) : squared_positive<S>(last), mask);
  }
}

}  // namespace
}  // namespace sparsesim::measure
