#pragma once
// 2:4 rows: one activation picks the activations of its values in registers; panels go as CSR with decoded places.

#include "validate/measure/cpu/kernels/csr_loops.h"

namespace sparsesim::measure {
namespace {

template <class S>
float two_of_four_tail(const std::uint8_t* places, const float* value, const float* x, std::int64_t i, std::int64_t n) {
  float sum = 0;
  for (; i < n; ++i) sum += value[i] * x[i / 2 * 4 + (places[i / 4] >> (i % 4 * 2) & 3)];
  return sum;
}

template <class S>
void two_of_four_vector(const TwoOfFourMatrix& w, const float* x, float* y, const Part& part) {
  constexpr int step = S::pick_values;
  const std::int64_t values = w.columns / 2;
  for (std::int64_t row = part.first_row; row < part.last_row; ++row) {
    const std::uint8_t* places = w.places + row * w.distance;
    const float* value = w.value + row * values;
    auto even = S::zero(), odd = S::zero();
    std::int64_t i = 0;
    for (; i + 2 * step <= values; i += 2 * step) {
      even = S::multiply_add(S::load(value + i), S::pick(places + i / 4, x + 2 * i), even);
      odd = S::multiply_add(S::load(value + i + step), S::pick(places + (i + step) / 4, x + 2 * (i + step)), odd);
    }
    for (; i + step <= values; i += step)
      even = S::multiply_add(S::load(value + i), S::pick(places + i / 4, x + 2 * i), even);
    y[row] = S::sum(S::add(even, odd)) + two_of_four_tail<S>(places, value, x, i, values);
  }
}

template <class S, int V, bool Tail>
void two_of_four_panel(const TwoOfFourMatrix& w, const Panel& x, float* y, const Part& part) {
  constexpr int U = smaller(2, larger(1, 8 / V));
  const auto mask = S::first(part.width - (V - 1) * S::lanes);
  const std::int64_t values = w.columns / 2, distance = x.distance;
  for (std::int64_t row = part.first_row; row < part.last_row; ++row) {
    RowSums<S, V, U> sums;
    const std::uint8_t* places = w.places + row * w.distance;
    const float* value = w.value + row * values;
    const float* group = x.x;
    fetch_ahead<S>(value, values, kAhead);
    fetch_ahead<S>(places, w.distance, kAhead);
    for (std::int64_t i = 0; i < values; i += 2, group += 4 * distance) {
      const unsigned bits = places[i / 4] >> (i % 4 * 2);
      sums.template add<Tail>(0, value + i, group + (bits & 3) * distance, mask);
      sums.template add<Tail>(U - 1, value + i + 1, group + (bits >> 2 & 3) * distance, mask);
    }
    sums.template store<Tail>(y + row * part.m + part.begin, mask);
  }
}

template <class S>
struct TwoOfFourCall {
  const TwoOfFourMatrix& w;
  const Panel& x;
  float* y;
  const Part& part;
  template <int V, bool Tail>
  void run() const {
    two_of_four_panel<S, V, Tail>(w, x, y, part);
  }
};

template <class S>
void two_of_four(const TwoOfFourMatrix& w, const Panel& x, float* y, const Part& part) {
  if (part.m == 1) return two_of_four_vector<S>(w, x.x, y, part);
  for_width<S>(part.width, S::panel_vectors, TwoOfFourCall<S>{w, x, y, part});
}

}  // namespace
}  // namespace sparsesim::measure
