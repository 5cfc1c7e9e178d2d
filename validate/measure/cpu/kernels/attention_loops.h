#pragma once
// Attention of one block of queries: a product, weights, a product per tile of keys.

#include "validate/measure/cpu/kernels/attention.h"
#include "validate/measure/cpu/kernels/exponential.h"
#include "validate/measure/cpu/kernels/fetch.h"

namespace sparsesim::measure {
namespace {

constexpr float kMinusInfinity = -__builtin_inff();
/// Below any score, and finite: a query whose keys were all masked so far has this maximum and the sum 0.
constexpr float kNoMaximum = -1e30f;

/// c[rows, C vectors] = (scale ? scale[row] * c : 0) + a[rows, depth] b[depth, C vectors], results in registers.
template <class S, int R, int C>
[[gnu::always_inline]] inline void multiply_tile(const float* a, std::int64_t lda, const float* b, std::int64_t ldb,
                                                 float* c, std::int64_t ldc, int depth, const float* scale) {
  VectorOf<S> sums[R][C];
  for (int r = 0; r < R; ++r)
    for (int j = 0; j < C; ++j) sums[r][j] = scale ? S::load(c + r * ldc + j * S::lanes) * scale[r] : VectorOf<S>{};
#pragma GCC unroll 4
  for (int p = 0; p < depth; ++p) {
    VectorOf<S> x[C];
    for (int j = 0; j < C; ++j) x[j] = S::load(b + p * ldb + j * S::lanes);
    for (int r = 0; r < R; ++r) {
      const float factor = a[r * lda + p];
      for (int j = 0; j < C; ++j) sums[r][j] += factor * x[j];
    }
  }
  for (int r = 0; r < R; ++r)
    for (int j = 0; j < C; ++j) S::store(c + r * ldc + j * S::lanes, sums[r][j]);
}

/// multiply_tile for any number of rows.
template <class S, int C>
[[gnu::noinline]] void multiply(const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float* c,
                                std::int64_t ldc, int rows, int depth, const float* scale) {
  // Times C results, C operands and a factor: all registers.
  constexpr int kRows = S::lanes == 16 ? 8 : S::lanes == 8 ? 6 : 4;
  int r = 0;
  const auto take = [&]<int R>() {
    for (; r + R <= rows; r += R)
      multiply_tile<S, R, C>(a + r * lda, lda, b, ldb, c + r * ldc, ldc, depth, scale ? scale + r : nullptr);
  };
  take.template operator()<kRows>();
  if constexpr (kRows > 4) take.template operator()<4>();
  take.template operator()<1>();
}

/// Running softmax of a block of queries. `keep` is what remains of a query's earlier results.
struct Softmax {
  float maximum[kAttentionTile], sum[kAttentionTile], keep[kAttentionTile];
};

/// Turns one query's scores of a tile into weights. `factor` is log2(e) / sqrt(head_dim).
template <class S>
[[gnu::always_inline]] inline void weigh(float* scores, float factor, Softmax& softmax, int query) {
  constexpr int kVectors = kAttentionTile / S::lanes;
  VectorOf<S> score[kVectors];
  for (int j = 0; j < kVectors; ++j) score[j] = S::load(scores + j * S::lanes);
  VectorOf<S> largest = score[0];
  for (int j = 1; j < kVectors; ++j) largest = largest > score[j] ? largest : score[j];
  const float before = softmax.maximum[query];
  const float maximum = larger(before, largest_of<S>(largest));
  const float shift = -maximum * factor - 0.5f;
  VectorOf<S> sum{};
  for (int j = 0; j < kVectors; ++j) {
    const VectorOf<S> weight = power_of_two<S>(score[j] * factor + shift);
    S::store(scores + j * S::lanes, weight);
    sum += weight;
  }
  const float keep = power_of_two<S>(VectorOf<S>{} + ((before - maximum) * factor - 0.5f))[0];
  softmax.maximum[query] = maximum;
  softmax.keep[query] = keep;
  softmax.sum[query] = softmax.sum[query] * keep + S::sum(sum);
}

/// n in [0, kAttentionTile].
[[gnu::always_inline]] inline int in_tile(std::int64_t n) {
  return static_cast<int>(n < 0 ? 0 : n > kAttentionTile ? kAttentionTile : n);
}

/// What queries from `first_query` on do not see of the keys from `first_key` on gets no weight.
inline void mask_scores(const AttentionHead& head, const AttentionReach& reach, std::int64_t first_query, int rows,
                        std::int64_t first_key, float* scores) {
  for (int r = 0; r < rows; ++r) {
    const std::int64_t query = first_query + r;
    const int low = in_tile(reach.window > 0 ? query - reach.window + 1 - first_key : 0);
    const int high = in_tile((reach.causal ? query + 1 : head.seq) - first_key);
    float* row = scores + r * kAttentionTile;
    for (int j = 0; j < low; ++j) row[j] = kMinusInfinity;
    for (int j = high; j < kAttentionTile; ++j) row[j] = kMinusInfinity;
  }
}

/// Keys and values of a tile.
struct TileOperands {
  const float *keys, *values;
};
inline TileOperands operands_of(const AttentionHead& head, const KeyTile& tile) {
  const std::int64_t first = std::int64_t{tile.tile} * kAttentionTile;
  return {head.keys + first * head.head_dim, head.values + first * head.width};
}

/// What a block of queries needs first comes in order, before it begins.
template <class S>
void read_first(const AttentionHead& head, const float* queries, int rows, const KeyTile& tile) {
  const TileOperands first = operands_of(head, tile);
  read_in_order<S>(queries, std::int64_t{rows} * head.head_dim);
  read_in_order<S>(first.keys, std::int64_t{kAttentionTile} * head.head_dim);
  read_in_order<S>(first.values, std::int64_t{kAttentionTile} * head.width);
}

template <class S>
void attend(const AttentionHead& head, const AttentionReach& reach, std::int64_t first_query, int rows,
            const KeyTile* tiles, int count) {
  constexpr int kPanel = 2 * S::lanes;
  alignas(64) float scores[kAttentionTile * kAttentionTile];
  alignas(64) float sums[kAttentionTile * kHeadDimMost];
  Softmax softmax;
  for (int i = 0; i < rows * head.width; ++i) sums[i] = 0;
  for (int r = 0; r < rows; ++r) softmax.maximum[r] = kNoMaximum, softmax.sum[r] = 0;
  const float factor = 1.44269504f / __builtin_sqrtf(static_cast<float>(head.head_dim));
  const float* queries = head.queries + first_query * head.head_dim;
  float* results = head.results + first_query * head.width;
  if (count > 0) read_first<S>(head, queries, rows, tiles[0]);
  for (int t = 0; t < count; ++t) {
    const std::int64_t first_key = std::int64_t{tiles[t].tile} * kAttentionTile;
    const TileOperands operands = operands_of(head, tiles[t]);
    const TileOperands next = operands_of(head, tiles[t + 1 < count ? t + 1 : t]);
    for (int j = 0; j < kAttentionTile; j += kPanel)
      multiply<S, 2>(queries, head.head_dim, operands.keys + j * head.head_dim, kPanel, scores + j, kAttentionTile,
                     rows, head.head_dim, nullptr);
    if (!tiles[t].whole) mask_scores(head, reach, first_query, rows, first_key, scores);
    for (int r = 0; r < rows; ++r) {
      fetch_ahead<S>(next.keys + r * head.head_dim, head.head_dim, 0);
      fetch_ahead<S>(next.values + r * head.width, head.width, 0);
      if (t == 0) fetch_to_write<S>(results + r * head.width, head.width);
      weigh<S>(scores + r * kAttentionTile, factor, softmax, r);
    }
    int j = 0;
    for (; j + kPanel <= head.width; j += kPanel)
      multiply<S, 2>(scores, kAttentionTile, operands.values + j, head.width, sums + j, head.width, rows,
                     kAttentionTile, softmax.keep);
    if (j < head.width)
      multiply<S, 1>(scores, kAttentionTile, operands.values + j, head.width, sums + j, head.width, rows,
                     kAttentionTile, softmax.keep);
  }
  for (int r = 0; r < rows; ++r) {
    const float share = 1 / softmax.sum[r];
    for (int j = 0; j < head.width; j += S::lanes)
      S::store(results + r * head.width + j, S::load(sums + r * head.width + j) * share);
  }
}

}  // namespace
}  // namespace sparsesim::measure
