// The sorts of slots with vectors of 32 bytes.

#include <cstddef>
#include <cstdint>

#include "sim/core/slot_sort_parts.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

namespace sparsesim {
namespace {

// Vectors are whole whatever the count, for an exact loop would end with a mispredicted branch: what is beyond the
// count gets a key below all others, and with it a place before them. Places are counted downwards from 0, the last: a
// comparison yields -1.

// The times of eight events, in order, less the dropped bits and without those above `mask`.
[[gnu::target("avx2")]] inline __m256i narrow_times(const Event* events, __m128i dropped, __m256i mask) {
  // Four events of three words, t = time, k = kind and id, a = arg: t0 k0 a0 t1 | k1 a1 t2 k2 | a2 t3 k3 a3.
  const auto* words = reinterpret_cast<const __m256i*>(events);
  const __m256i w0 = _mm256_loadu_si256(words), w1 = _mm256_loadu_si256(words + 1), w2 = _mm256_loadu_si256(words + 2);
  const __m256i w3 = _mm256_loadu_si256(words + 3), w4 = _mm256_loadu_si256(words + 4),
                w5 = _mm256_loadu_si256(words + 5);
  const __m256i t0321 = _mm256_blend_epi32(_mm256_blend_epi32(w0, w2, 0x0C), w1, 0x30);
  const __m256i t4765 = _mm256_blend_epi32(_mm256_blend_epi32(w3, w5, 0x0C), w4, 0x30);
  const __m256i low = _mm256_srl_epi64(t0321, dropped), high = _mm256_srl_epi64(t4765, dropped);
  const __m256i t04372615 = _mm256_blend_epi32(low, _mm256_slli_epi64(high, 32), 0xAA);
  const __m256i in_order = _mm256_permutevar8x32_epi32(t04372615, _mm256_setr_epi32(0, 6, 4, 2, 1, 7, 5, 3));
  return _mm256_and_si256(in_order, mask);
}

[[gnu::target("avx2")]] inline int sum_of(__m256i shorts) {
  const __m256i pairs = _mm256_madd_epi16(shorts, _mm256_set1_epi16(1));
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1)));
}

// By 15 bits of the times, `rounded` events of which `count` are wanted. False, with nothing written, where the keys of
// two are equal.
template <int rounded>
[[gnu::target("avx2")]] bool sort_by_times_avx2(const Event* events, std::size_t count, const SortKey& key,
                                                Event* last) {
  constexpr int vectors = (rounded + 15) / 16, eights = rounded / 8;
  alignas(32) std::uint32_t pairs[rounded];  // each key twice, for 32 bits are broadcast by the load alone
  alignas(32) std::int16_t places[16 * vectors];
  const __m128i dropped = _mm_cvtsi32_si128(narrow_dropped(key));
  const __m256i mask = _mm256_set1_epi32(static_cast<int>(key.time_mask >> narrow_dropped(key)));
  const __m256i not_used = _mm256_set1_epi32(-1 - static_cast<int>(count));
  __m256i narrow[2 * vectors], larger[vectors];
  __m256i before = _mm256_setr_epi32(-1, -2, -3, -4, -5, -6, -7, -8);  // the keys of what is not wanted
#pragma GCC unroll 8
  for (int i = 0; i < eights; ++i) {
    const __m256i wanted = _mm256_cmpgt_epi32(before, not_used);
    narrow[i] = _mm256_blendv_epi8(before, narrow_times(events + 8 * i, dropped, mask), wanted);
    _mm256_store_si256(reinterpret_cast<__m256i*>(pairs + 8 * i),
                       _mm256_blend_epi16(narrow[i], _mm256_slli_epi32(narrow[i], 16), 0xAA));
    before = _mm256_sub_epi32(before, _mm256_set1_epi32(8));
  }
  if (eights < 2 * vectors) narrow[2 * vectors - 1] = before;
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) {
    narrow[v] = _mm256_permute4x64_epi64(_mm256_packs_epi32(narrow[2 * v], narrow[2 * v + 1]), 0xD8);
    larger[v] = _mm256_setzero_si256();
  }
#pragma GCC unroll 8
  for (int j = 0; j < rounded; ++j) {
    const __m256i other = _mm256_set1_epi32(static_cast<std::int32_t>(pairs[j]));
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) larger[v] = _mm256_add_epi16(larger[v], _mm256_cmpgt_epi16(other, narrow[v]));
  }
  if (eights < 2 * vectors) larger[vectors - 1] = _mm256_blend_epi32(larger[vectors - 1], _mm256_setzero_si256(), 0xF0);
  __m256i sum = larger[0];
#pragma GCC unroll 8
  for (int v = 1; v < vectors; ++v) sum = _mm256_add_epi16(sum, larger[v]);
  if (sum_of(sum) != -sum_of_places(rounded)) return false;
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) _mm256_store_si256(reinterpret_cast<__m256i*>(places + 16 * v), larger[v]);
#pragma GCC unroll 32
  for (int k = 0; k < rounded; ++k) last[places[k]] = events[k];
  return true;
}

// Without those 15 bits, or where they are equal: (time, id, place) in 64.

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

[[gnu::target("avx2")]] inline void scatter(const Event* events, const std::int64_t* places, std::size_t rounded,
                                            Event* last) {
  for (std::size_t block = 0; block < rounded; block += sort_block) {
#pragma GCC unroll 8
    for (std::size_t k = block; k < block + sort_block; ++k) last[places[k]] = events[k];
  }
}

// Counts of larger keys for own[4 * vectors], which stay in registers while all are compared with them. The number of
// vectors is a template argument and the loops over them are unrolled, or the arrays would not become registers.
template <int vectors>
[[gnu::target("avx2")]] inline void rank_avx2(const std::int64_t* keys, std::size_t rounded, const std::int64_t* own,
                                              std::int64_t* places) {
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
      for (int v = 0; v < vectors; ++v) larger[v] = _mm256_add_epi64(larger[v], _mm256_cmpgt_epi64(other, key[v]));
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) _mm256_storeu_si256(reinterpret_cast<__m256i*>(places + 4 * v), larger[v]);
}

[[gnu::target("avx2")]] void sort_wide_avx2(const Event* events, std::size_t count, const SortKey& key, Event* last) {
  std::int64_t keys[sort_block_max];
  std::int64_t places[sort_block_max];
  const std::size_t rounded = (count + sort_block - 1) / sort_block * sort_block;
  make_keys(events, count, rounded, key, keys);
  if (rounded == 16) {
    rank_avx2<4>(keys, 16, keys, places);
  } else if (rounded == 24) {
    rank_avx2<6>(keys, 24, keys, places);
  } else {
    for (std::size_t own = 0; own < rounded; own += 8) rank_avx2<2>(keys, rounded, keys + own, places + own);
  }
  scatter(events, places, rounded, last);
  if (!key.has_id) sort_nearly_sorted(last - (count - 1), last + 1);
}

[[gnu::target("avx2")]] void sort_avx2(const Event* events, std::size_t count, const SortKey& key, Event* last) {
  const bool sorted = count <= 16   ? sort_by_times_avx2<16>(events, count, key, last)
                      : count <= 24 ? sort_by_times_avx2<24>(events, count, key, last)
                                    : count <= 32 && sort_by_times_avx2<32>(events, count, key, last);
  if (!sorted) sort_wide_avx2(events, count, key, last);
}

// As rank_avx2, for 16 keys of one instant to a vector. `pairs` holds each key twice, for 32 bits are broadcast by the
// load alone.
template <int vectors>
[[gnu::target("avx2")]] void rank_instant_avx2(const std::uint32_t* pairs, const std::int16_t* keys,
                                               std::int16_t* places) {
  alignas(64) static constexpr std::int16_t minus_one[31] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1};
  __m256i key[vectors], larger[vectors];
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) {
    key[v] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(keys + 16 * v));
    larger[v] = _mm256_setzero_si256();
  }
#pragma GCC unroll 8
  for (int w = 0; w < vectors; ++w) {
    for (int lane = 0; lane < 16; ++lane) {
      const __m256i other = _mm256_set1_epi32(static_cast<std::int32_t>(pairs[16 * w + lane]));
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) larger[v] = _mm256_add_epi16(larger[v], _mm256_cmpgt_epi16(other, key[v]));
      key[w] = _mm256_add_epi16(key[w], _mm256_loadu_si256(reinterpret_cast<const __m256i*>(minus_one + 15 - lane)));
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) _mm256_storeu_si256(reinterpret_cast<__m256i*>(places + 16 * v), larger[v]);
}

// Writes the ids of whole blocks of events, and the last one three blocks on.
[[gnu::target("avx2")]] inline void copy_ids(const Event* events, std::size_t count, std::uint32_t* ids) {
  for (std::size_t i = 0; i < count; i += sort_block) {
#pragma GCC unroll 8
    for (std::size_t k = 0; k < sort_block; ++k) ids[i + k] = events[i + k].id;
  }
  const __m256i last = _mm256_set1_epi32(static_cast<std::int32_t>(ids[count - 1]));
  for (std::size_t i = count; i < count + 24; i += 8) _mm256_storeu_si256(reinterpret_cast<__m256i*>(ids + i), last);
}

[[gnu::target("avx2")]] inline std::uint32_t smallest_of(__m256i v) {
  __m128i half = _mm_min_epu32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  half = _mm_min_epu32(half, _mm_shuffle_epi32(half, 0x4E));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_min_epu32(half, _mm_shuffle_epi32(half, 0xB1))));
}

[[gnu::target("avx2")]] InstantOrder sort_instant_avx2(const Event* events, std::size_t count, Event* last) {
  constexpr std::size_t room = sort_block_max + 32;  // and what is written beyond
  alignas(32) std::uint32_t ids[room], pairs[room];
  alignas(32) std::int16_t keys[room], places[room];
  copy_ids(events, count, ids);
  const std::size_t blocks = (count + 15) / 16;
  const __m256i ones = _mm256_set1_epi32(-1);
  __m256i smallest = ones, smallest_complement = ones, in_order = ones;
  for (std::size_t i = 0; i < 16 * blocks; i += 8) {
    const __m256i id = _mm256_load_si256(reinterpret_cast<const __m256i*>(ids + i));
    const __m256i next = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(ids + i + 1));
    smallest = _mm256_min_epu32(smallest, id);
    smallest_complement = _mm256_min_epu32(smallest_complement, _mm256_xor_si256(id, ones));
    in_order = _mm256_and_si256(in_order, _mm256_cmpeq_epi32(_mm256_min_epu32(id, next), id));
  }
  if (_mm256_movemask_epi8(in_order) == -1) return InstantOrder::found_in_order;
  const std::uint32_t base = smallest_of(smallest);
  if (~smallest_of(smallest_complement) - base > instant_span_max) return InstantOrder::too_far_apart;
  const __m256i zero = _mm256_set1_epi32(static_cast<std::int32_t>(base + instant_key_offset));
  for (std::size_t i = 0; i < 16 * blocks; i += 16) {
    const __m256i low = _mm256_sub_epi32(_mm256_load_si256(reinterpret_cast<const __m256i*>(ids + i)), zero);
    const __m256i high = _mm256_sub_epi32(_mm256_load_si256(reinterpret_cast<const __m256i*>(ids + i + 8)), zero);
    _mm256_store_si256(reinterpret_cast<__m256i*>(pairs + i),
                       _mm256_blend_epi16(low, _mm256_slli_epi32(low, 16), 0xAA));
    _mm256_store_si256(reinterpret_cast<__m256i*>(pairs + i + 8),
                       _mm256_blend_epi16(high, _mm256_slli_epi32(high, 16), 0xAA));
    _mm256_store_si256(reinterpret_cast<__m256i*>(keys + i),
                       _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8));
  }
  const __m256i unused = _mm256_set1_epi16(-32768);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(keys + count), unused);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(pairs + count), unused);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(pairs + count + 8), unused);
  using Rank = void (*)(const std::uint32_t*, const std::int16_t*, std::int16_t*);
  static constexpr Rank ranks[] = {rank_instant_avx2<1>, rank_instant_avx2<2>, rank_instant_avx2<3>,
                                   rank_instant_avx2<4>, rank_instant_avx2<5>, rank_instant_avx2<6>,
                                   rank_instant_avx2<7>, rank_instant_avx2<8>};
  ranks[blocks - 1](pairs, keys, places);
  for (std::size_t first = 0; first < count; first += sort_block) {
#pragma GCC unroll 8
    for (std::size_t k = first; k < first + sort_block; ++k) last[places[k]] = events[k];
  }
  return InstantOrder::sorted;
}

}  // namespace

SortVariant avx2_sort() {
  if (!__builtin_cpu_supports("avx2")) return {};
  return {"avx2", sort_avx2, sort_instant_avx2};
}

}  // namespace sparsesim
#else
namespace sparsesim {
SortVariant avx2_sort() { return {}; }
}  // namespace sparsesim
#endif
