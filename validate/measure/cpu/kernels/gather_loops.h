#pragma once
// Rows of a table summed: by number, results in registers, or where a scan meets them.

#include "validate/measure/cpu/kernels/gather.h"
#include "validate/measure/cpu/kernels/simd.h"

namespace sparsesim::measure {
namespace {

/// V vectors of one bag's sum from column `column` on; the last one holds `last` elements.
template <class S, int V, bool Weighted>
void gather_columns(const RowBags& bags, std::int64_t bag, std::int64_t column, std::int64_t last) {
  const typename S::Mask mask = S::first(last);
  const std::int64_t* rows = bags.rows + bag * bags.pooling;
  typename S::Vector sums[V];
  for (auto& sum : sums) sum = S::zero();
  for (std::int64_t i = 0; i < bags.pooling; ++i) {
    const float* row = bags.table + rows[i] * bags.dim + column;
    typename S::Vector weight = S::zero();
    if constexpr (Weighted) weight = S::broadcast(bags.weights + bag * bags.pooling + i);
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      const auto elements =
          v == V - 1 && last < S::lanes ? S::load(row + v * S::lanes, mask) : S::load(row + v * S::lanes);
      sums[v] = Weighted ? S::multiply_add(weight, elements, sums[v]) : S::add(sums[v], elements);
    }
  }
  float* to = bags.sums + bag * bags.dim + column;
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v) {
    if (v == V - 1 && last < S::lanes)
      S::store(to + v * S::lanes, sums[v], mask);
    else
      S::store(to + v * S::lanes, sums[v]);
  }
}

/// The columns that registers hold at a time.
template <class S>
constexpr int kGatherVectors = 8;

/// gather_columns with as many vectors as the rest of a row has.
template <class S, bool Weighted, int V = kGatherVectors<S>>
void gather_rest(const RowBags& bags, std::int64_t bag, std::int64_t column) {
  const std::int64_t left = bags.dim - column;
  if (left > (V - 1) * S::lanes) {
    gather_columns<S, V, Weighted>(bags, bag, column, left - (V - 1) * S::lanes);
  } else if constexpr (V > 1) {
    gather_rest<S, Weighted, V - 1>(bags, bag, column);
  }
}

template <class S, bool Weighted>
void gather_bags(const RowBags& bags, std::int64_t first_bag, std::int64_t last_bag) {
  constexpr std::int64_t kColumns = kGatherVectors<S> * S::lanes;
  for (std::int64_t bag = first_bag; bag < last_bag; ++bag) {
    std::int64_t column = 0;
    for (; column + kColumns <= bags.dim; column += kColumns)
      gather_columns<S, kGatherVectors<S>, Weighted>(bags, bag, column, S::lanes);
    if (column < bags.dim) gather_rest<S, Weighted>(bags, bag, column);
  }
}

template <class S>
void gather(const RowBags& bags, std::int64_t first_bag, std::int64_t last_bag) {
  (bags.weights ? gather_bags<S, true> : gather_bags<S, false>)(bags, first_bag, last_bag);
}

template <class S>
float scan(const float* table, std::int64_t dim, std::int64_t first_row, std::int64_t last_row, const NamedRow* named,
           float* sums) {
  const std::int64_t whole = dim / S::lanes * S::lanes;
  const typename S::Mask mask = S::first(dim - whole);
  typename S::Vector unnamed = S::zero();
  for (std::int64_t row = first_row; row < last_row; ++row) {
    const float* from = table + row * dim;
    if (named->row != row) {
      for (std::int64_t i = 0; i < whole; i += S::lanes) unnamed = S::add(unnamed, S::load(from + i));
      if (whole < dim) unnamed = S::add(unnamed, S::load(from + whole, mask));
    }
    for (; named->row == row; ++named) {
      float* to = sums + named->bag * dim;
      const auto weight = S::broadcast(&named->weight);
      for (std::int64_t i = 0; i < whole; i += S::lanes)
        S::store(to + i, S::multiply_add(weight, S::load(from + i), S::load(to + i)));
      if (whole < dim)
        S::store(to + whole, S::multiply_add(weight, S::load(from + whole, mask), S::load(to + whole, mask)), mask);
    }
  }
  float lanes[S::lanes], sum = 0;
  S::store(lanes, unnamed);
  for (const float lane : lanes) sum += lane;
  return sum;
}

}  // namespace
}  // namespace sparsesim::measure
