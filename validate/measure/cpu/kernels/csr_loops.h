#pragma once
// Sparse rows times a panel of activations: results in registers, each activation row read once per non-zero.

#include "validate/measure/cpu/kernels/fetch.h"
#include "validate/measure/cpu/kernels/simd.h"
#include "validate/measure/cpu/kernels/sparse.h"

namespace sparsesim::measure {
namespace {

constexpr int smaller(int a, int b) { return a < b ? a : b; }
constexpr int larger(int a, int b) { return a > b ? a : b; }
constexpr std::int64_t larger(std::int64_t a, std::int64_t b) { return a > b ? a : b; }

/// SparseKernels::bring.
template <class S>
void bring(const Panel& panel, std::int64_t first, std::int64_t last, std::int64_t width, float* to) {
  constexpr std::int64_t kRowsAhead = 16;  // 64 lines of a panel of four registers
  const std::int64_t distance = rounded_width(width);
  for (std::int64_t row = first; row < last; ++row) {
    const float* const from = panel.x + row * panel.distance;
    if (!to) {
      read_in_order<S>(from, width);
      continue;
    }
    fetch_ahead<S>(from, width, kRowsAhead * panel.distance);
    for (std::int64_t v = 0; v < width; v += S::lanes) {
      const auto mask = S::first(width - v < S::lanes ? width - v : S::lanes);
      S::store(to + row * distance + v, S::load(from + v, mask), mask);
    }
  }
}

/// V registers of results in U sets that take turns, so that one multiply-add need not wait for the one before.
template <class S, int V, int U>
struct RowSums {
  typename S::Vector sum[U][V];

  RowSums() {
    for (auto& set : sum)
      for (auto& vector : set) vector = S::zero();
  }

  template <bool Tail>
  [[gnu::always_inline]] void add(int set, const float* weight, const float* x, typename S::Mask mask) {
    const auto w = S::broadcast(weight);
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      const float* from = x + v * S::lanes;
      const auto activations = Tail && v == V - 1 ? S::load(from, mask) : S::load(from);
      sum[set][v] = S::multiply_add(w, activations, sum[set][v]);
    }
  }

  template <bool Tail>
  [[gnu::always_inline]] void store(float* y, typename S::Mask mask) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      auto total = sum[0][v];
#pragma GCC unroll 8
      for (int u = 1; u < U; ++u) total = S::add(total, sum[u][v]);
      if (Tail && v == V - 1) {
        S::store(y + v * S::lanes, total, mask);
      } else {
        S::store(y + v * S::lanes, total);
      }
    }
  }
};

template <class S, int V, bool Tail>
void csr_panel(const BlockMatrix& w, const Panel& panel, float* y, const Part& part) {
  constexpr int U = smaller(4, larger(1, S::row_sums / V));
  const auto mask = S::first(part.width - (V - 1) * S::lanes);
  const float* const x = panel.x;
  const std::int64_t distance = panel.distance;
  for (std::int64_t row = part.first_row; row < part.last_row; ++row) {
    RowSums<S, V, U> sums;
    std::int64_t i = w.start[row];
    const std::int64_t end = w.start[row + 1];
    fetch_ahead<S>(w.value + i, end - i, kAhead);
    fetch_ahead<S>(w.column + i, end - i, kAhead);
    for (; i + U <= end; i += U) {
#pragma GCC unroll 8
      for (int u = 0; u < U; ++u) sums.template add<Tail>(u, w.value + i + u, x + w.column[i + u] * distance, mask);
    }
    for (; i < end; ++i) sums.template add<Tail>(0, w.value + i, x + w.column[i] * distance, mask);
    sums.template store<Tail>(y + row * part.m + part.begin, mask);
  }
}

/// A gather of activations per register of values; two sums take turns. With cheap masks values and columns are read up
/// to a register past their end.
template <class S>
void csr_vector(const BlockMatrix& w, const float* x, float* y, const Part& part) {
  for (std::int64_t row = part.first_row; row < part.last_row; ++row) {
    auto even = S::zero(), odd = S::zero();
    std::int64_t i = w.start[row];
    const std::int64_t end = w.start[row + 1];
    if (end - i <= 4 * S::lanes) {  // of longer rows the processor follows both streams by itself, and better
      fetch_ahead<S>(w.value + i, end - i, kAhead);
      fetch_ahead<S>(w.column + i, end - i, kAhead);
    }
    for (; i + 2 * S::lanes <= end; i += 2 * S::lanes) {
      even = S::multiply_add(S::load(w.value + i), S::gather(x, w.column + i), even);
      odd = S::multiply_add(S::load(w.value + i + S::lanes), S::gather(x, w.column + i + S::lanes), odd);
    }
    for (; i + S::lanes <= end; i += S::lanes)
      even = S::multiply_add(S::load(w.value + i), S::gather(x, w.column + i), even);
    float rest = 0;
    if constexpr (S::cheap_masks) {
      // What lies behind the row belongs to the next one, or to the slack of the arrays: loaded, and left out.
      if (i < end) odd = S::multiply_add(S::load(w.value + i), S::gather(x, w.column + i), odd, S::first(end - i));
    } else {
      for (; i < end; ++i) rest += w.value[i] * x[w.column[i]];
    }
    y[row] = rest + S::sum(S::add(even, odd));
  }
}

/// Calls call.run<V, Tail>() for the registers that `width` results need, V from 1 to the panel's.
template <class S, int V = 1, class Call>
[[gnu::always_inline]] inline void for_width(std::int64_t width, int most, const Call& call) {
  if constexpr (V <= larger(S::panel_vectors, S::block_panel_vectors)) {
    if (width > V * S::lanes && V < most) return for_width<S, V + 1>(width, most, call);
    if (width == V * S::lanes) return call.template run<V, false>();
    return call.template run<V, true>();
  }
}

template <class S>
struct CsrCall {
  const BlockMatrix& w;
  const Panel& x;
  float* y;
  const Part& part;
  template <int V, bool Tail>
  void run() const {
    csr_panel<S, V, Tail>(w, x, y, part);
  }
};

template <class S>
void csr(const BlockMatrix& w, const Panel& x, float* y, const Part& part) {
  if (part.m == 1) return csr_vector<S>(w, x.x, y, part);
  for_width<S>(part.width, S::panel_vectors, CsrCall<S>{w, x, y, part});
}

}  // namespace
}  // namespace sparsesim::measure
