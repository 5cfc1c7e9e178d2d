#include "sim/core/rank_sort.h"

#include <array>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace sparsesim {

void rank_portable(const std::int64_t* keys, std::uint64_t* places, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) places[i] = 0;
  for (std::size_t i = 1; i < count; ++i) {
    const std::int64_t key = keys[i];
    std::uint64_t larger = 0;
    for (std::size_t j = 0; j < i; ++j) {
      const std::uint64_t is_larger = keys[j] > key;
      larger += is_larger;
      places[j] += 1 - is_larger;
    }
    places[i] = larger;
  }
}

namespace {

#if defined(__x86_64__) && defined(__GNUC__)
// Blocks of 4 keys stay in registers with their counts while every key is compared with them. The number of blocks is a
// template argument and the loops over them are unrolled, or the arrays would not become registers; counts rarely cross
// a multiple of 8, so the switch predicts well.
template <int blocks>
[[gnu::target("avx2")]] inline void rank_blocks_avx2(const std::int64_t* keys, std::size_t count,
                                                     const std::int64_t* own, std::uint64_t* places) {
  __m256i key[blocks], larger[blocks];
#pragma GCC unroll 8
  for (int b = 0; b < blocks; ++b) {
    key[b] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(own + 4 * b));
    larger[b] = _mm256_setzero_si256();
  }
  for (std::size_t j = 0; j < count; ++j) {
    const __m256i other = _mm256_set1_epi64x(keys[j]);
#pragma GCC unroll 8
    for (int b = 0; b < blocks; ++b) larger[b] = _mm256_sub_epi64(larger[b], _mm256_cmpgt_epi64(other, key[b]));
  }
#pragma GCC unroll 8
  for (int b = 0; b < blocks; ++b) _mm256_storeu_si256(reinterpret_cast<__m256i*>(places + 4 * b), larger[b]);
}

[[gnu::target("avx2")]] void rank_avx2(const std::int64_t* keys, std::uint64_t* places, std::size_t count) {
  std::size_t first = 0;
  for (; count - first > 24; first += 24) rank_blocks_avx2<6>(keys, count, keys + first, places + first);
  const std::size_t rest = count - first;
  if (rest > 16) {
    rank_blocks_avx2<6>(keys, count, keys + first, places + first);
  } else if (rest > 8) {
    rank_blocks_avx2<4>(keys, count, keys + first, places + first);
  } else {
    rank_blocks_avx2<2>(keys, count, keys + first, places + first);
  }
}

template <int blocks>
[[gnu::target("avx512f")]] inline void rank_blocks_avx512(const std::int64_t* keys, std::size_t count,
                                                          const std::int64_t* own, std::uint64_t* places) {
  __m512i key[blocks], larger[blocks];
  const __m512i one = _mm512_set1_epi64(1);
#pragma GCC unroll 8
  for (int b = 0; b < blocks; ++b) {
    key[b] = _mm512_loadu_si512(own + 8 * b);
    larger[b] = _mm512_setzero_si512();
  }
  for (std::size_t j = 0; j < count; ++j) {
    const __m512i other = _mm512_set1_epi64(keys[j]);
#pragma GCC unroll 8
    for (int b = 0; b < blocks; ++b)
      larger[b] = _mm512_mask_add_epi64(larger[b], _mm512_cmpgt_epi64_mask(other, key[b]), larger[b], one);
  }
#pragma GCC unroll 8
  for (int b = 0; b < blocks; ++b) _mm512_storeu_si512(places + 8 * b, larger[b]);
}

[[gnu::target("avx512f")]] void rank_avx512(const std::int64_t* keys, std::uint64_t* places, std::size_t count) {
  std::size_t first = 0;
  for (; count - first > 24; first += 24) rank_blocks_avx512<3>(keys, count, keys + first, places + first);
  const std::size_t rest = count - first;
  if (rest > 16) {
    rank_blocks_avx512<3>(keys, count, keys + first, places + first);
  } else if (rest > 8) {
    rank_blocks_avx512<2>(keys, count, keys + first, places + first);
  } else {
    rank_blocks_avx512<1>(keys, count, keys + first, places + first);
  }
}
#endif

std::array<RankVariant, 4> find_variants() {
  std::array<RankVariant, 4> found{};
  std::size_t count = 0;
#if defined(__x86_64__) && defined(__GNUC__)
  if (__builtin_cpu_supports("avx512f")) found[count++] = {"avx512", rank_avx512};
  if (__builtin_cpu_supports("avx2")) found[count++] = {"avx2", rank_avx2};
#endif
  found[count] = {"portable", rank_portable};
  return found;
}

}  // namespace

const RankVariant* runnable_rank_variants() {
  static const std::array<RankVariant, 4> variants = find_variants();
  return variants.data();
}
RankFunction best_rank_function() { return runnable_rank_variants()->function; }

}  // namespace sparsesim
