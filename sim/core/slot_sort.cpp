#include "sim/core/slot_sort.h"

#include <array>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace sparsesim {
namespace {

void sort_portable(const Event* events, std::size_t count, const SortKey& key, Event* sorted) {
  std::int64_t keys[sort_block_max];
  std::uint64_t places[sort_block_max];
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t own = keys[i] = key(events[i], i);
    std::uint64_t larger = 0;
    for (std::size_t j = 0; j < i; ++j) {
      const std::uint64_t is_larger = keys[j] > own;
      larger += is_larger;
      places[j] += 1 - is_larger;
    }
    places[i] = larger;
  }
  for (std::size_t i = 0; i < count; ++i) sorted[places[i]] = events[i];
}

void rank_portable(const std::int32_t* keys, std::size_t rounded, std::uint32_t* places) {
  for (std::size_t i = 0; i < rounded; ++i) places[i] = 0;
  for (std::size_t j = 0; j < rounded; ++j)
    for (std::size_t i = 0; i < rounded; ++i) places[i] += keys[j] > keys[i];
}

#if defined(__x86_64__) && defined(__GNUC__)
// The vector variants work on whole blocks whatever the count, for an exact loop would end with a mispredicted branch:
// what is beyond the count gets the key -1, and with it the place behind all others.

[[gnu::target("avx2")]] inline void make_keys(const Event* events, std::size_t count, std::size_t rounded,
                                              const SortKey& key, std::int64_t* keys) {
  const __m256i time_mask = _mm256_set1_epi64x(static_cast<std::int64_t>(key.time_mask));
  const __m256i id_mask =
      _mm256_set1_epi64x(static_cast<std::int64_t>(std::uint64_t{key.id_mask} << SortKey::place_bits));
  const __m128i time_at = _mm_cvtsi32_si128(key.time_at);
  const __m256i last = _mm256_set1_epi64x(static_cast<std::int64_t>(count) - 1);
  __m256i place = _mm256_setr_epi64x(0, 1, 2, 3);
  for (std::size_t block = 0; block < rounded; block += sort_block) {
#pragma GCC unroll 2
    for (std::size_t first = block; first < block + sort_block; first += 4) {
      // Four events of three words, t = time, k = kind and id, a = arg: t0 k0 a0 t1 | k1 a1 t2 k2 | a2 t3 k3 a3.
      const auto* words = reinterpret_cast<const __m256i*>(events + first);
      const __m256i w0 = _mm256_loadu_si256(words), w1 = _mm256_loadu_si256(words + 1),
                    w2 = _mm256_loadu_si256(words + 2);
      const __m256i t0321 = _mm256_blend_epi32(_mm256_blend_epi32(w0, w2, 0x0C), w1, 0x30);
      const __m256i k1032 = _mm256_blend_epi32(_mm256_blend_epi32(w1, w0, 0x0C), w2, 0x30);
      const __m256i time = _mm256_permute4x64_epi64(t0321, 0x6C);
      const __m256i kind_id = _mm256_permute4x64_epi64(k1032, 0xB1);
      const __m256i id = _mm256_and_si256(_mm256_srli_epi64(kind_id, 32 - SortKey::place_bits), id_mask);
      const __m256i shifted = _mm256_sll_epi64(_mm256_and_si256(time, time_mask), time_at);
      const __m256i unused = _mm256_cmpgt_epi64(place, last);
      const __m256i made = _mm256_or_si256(_mm256_or_si256(shifted, id), _mm256_or_si256(place, unused));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(keys + first), made);
      place = _mm256_add_epi64(place, _mm256_set1_epi64x(4));
    }
  }
}

[[gnu::target("avx2")]] inline void scatter(const Event* events, const std::uint64_t* places, std::size_t rounded,
                                            Event* sorted) {
  for (std::size_t block = 0; block < rounded; block += sort_block) {
#pragma GCC unroll 8
    for (std::size_t k = block; k < block + sort_block; ++k) sorted[places[k]] = events[k];
  }
}

// Counts of larger keys for own[4 * vectors], which stay in registers while all are compared with them. The number of
// vectors is a template argument and the loops over them are unrolled, or the arrays would not become registers.
template <int vectors>
[[gnu::target("avx2")]] inline void rank_avx2(const std::int64_t* keys, std::size_t rounded, const std::int64_t* own,
                                              std::uint64_t* places) {
  __m256i key[vectors], larger[vectors];
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) {
    key[v] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(own + 4 * v));
    larger[v] = _mm256_setzero_si256();
  }
  for (std::size_t block = 0; block < rounded; block += sort_block) {
#pragma GCC unroll 8
    for (std::size_t j = block; j < block + sort_block; ++j) {
      const __m256i other = _mm256_set1_epi64x(keys[j]);
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) larger[v] = _mm256_sub_epi64(larger[v], _mm256_cmpgt_epi64(other, key[v]));
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) _mm256_storeu_si256(reinterpret_cast<__m256i*>(places + 4 * v), larger[v]);
}

[[gnu::target("avx2")]] void sort_avx2(const Event* events, std::size_t count, const SortKey& key, Event* sorted) {
  std::int64_t keys[sort_block_max];
  std::uint64_t places[sort_block_max];
  const std::size_t rounded = (count + sort_block - 1) / sort_block * sort_block;
  make_keys(events, count, rounded, key, keys);
  if (rounded == 16) {
    rank_avx2<4>(keys, 16, keys, places);
  } else if (rounded == 24) {
    rank_avx2<6>(keys, 24, keys, places);
  } else {
    for (std::size_t own = 0; own < rounded; own += 8) rank_avx2<2>(keys, rounded, keys + own, places + own);
  }
  scatter(events, places, rounded, sorted);
}

// As rank_avx2, for eight keys of one instant to a vector.
template <int vectors>
[[gnu::target("avx2")]] inline void rank_instant_avx2(const std::int32_t* keys, std::size_t rounded,
                                                      const std::int32_t* own, std::uint32_t* places) {
  __m256i key[vectors], larger[vectors];
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) {
    key[v] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(own + 8 * v));
    larger[v] = _mm256_setzero_si256();
  }
  for (std::size_t j = 0; j < rounded; ++j) {
    const __m256i other = _mm256_set1_epi32(keys[j]);
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) larger[v] = _mm256_sub_epi32(larger[v], _mm256_cmpgt_epi32(other, key[v]));
  }
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) _mm256_storeu_si256(reinterpret_cast<__m256i*>(places + 8 * v), larger[v]);
}

[[gnu::target("avx2")]] void rank_instant(const std::int32_t* keys, std::size_t rounded, std::uint32_t* places) {
  std::size_t own = 0;
  for (; own + 40 <= rounded; own += 40) rank_instant_avx2<5>(keys, rounded, keys + own, places + own);
  for (; own + 16 <= rounded; own += 16) rank_instant_avx2<2>(keys, rounded, keys + own, places + own);
  if (own < rounded) rank_instant_avx2<1>(keys, rounded, keys + own, places + own);
}

template <int vectors>
[[gnu::target("avx512f")]] inline void rank_avx512(const std::int64_t* keys, std::size_t rounded,
                                                   const std::int64_t* own, std::uint64_t* places) {
  __m512i key[vectors], larger[vectors];
  const __m512i one = _mm512_set1_epi64(1);
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) {
    key[v] = _mm512_loadu_si512(own + 8 * v);
    larger[v] = _mm512_setzero_si512();
  }
  for (std::size_t block = 0; block < rounded; block += sort_block) {
#pragma GCC unroll 8
    for (std::size_t j = block; j < block + sort_block; ++j) {
      const __m512i other = _mm512_set1_epi64(keys[j]);
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v)
        larger[v] = _mm512_mask_add_epi64(larger[v], _mm512_cmpgt_epi64_mask(other, key[v]), larger[v], one);
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) _mm512_storeu_si512(places + 8 * v, larger[v]);
}

[[gnu::target("avx512f")]] void sort_avx512(const Event* events, std::size_t count, const SortKey& key, Event* sorted) {
  std::int64_t keys[sort_block_max];
  std::uint64_t places[sort_block_max];
  const std::size_t rounded = (count + sort_block - 1) / sort_block * sort_block;
  make_keys(events, count, rounded, key, keys);
  if (rounded == 16) {
    rank_avx512<2>(keys, 16, keys, places);
  } else if (rounded == 24) {
    rank_avx512<3>(keys, 24, keys, places);
  } else {
    for (std::size_t own = 0; own < rounded; own += 8) rank_avx512<1>(keys, rounded, keys + own, places + own);
  }
  scatter(events, places, rounded, sorted);
}
#endif

std::array<SortVariant, 4> find_variants() {
  std::array<SortVariant, 4> found{};
  std::size_t count = 0;
#if defined(__x86_64__) && defined(__GNUC__)
  if (__builtin_cpu_supports("avx512f")) found[count++] = {"avx512", sort_avx512, rank_instant};
  if (__builtin_cpu_supports("avx2")) found[count++] = {"avx2", sort_avx2, rank_instant};
#endif
  found[count] = {"portable", sort_portable, rank_portable};
  return found;
}

}  // namespace

const SortVariant* runnable_sort_variants() {
  static const std::array<SortVariant, 4> variants = find_variants();
  return variants.data();
}
const SortVariant& best_sort() { return *runnable_sort_variants(); }

}  // namespace sparsesim
