#include "sim/core/slot_sort.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace sparsesim {
namespace {

// Keys of one instant are (id - smallest id) less this: -32767 to 32767. Of equal ids the later one counts as larger,
// for a key is lessened once it has been compared with all; no key gets below -32768.
constexpr std::int32_t instant_key_offset = 32'767;

// Insertion sort by (time, id): later events move to the back.
void sort_nearly_sorted(Event* first, Event* end) {
  const auto before = [](const Event& a, const Event& b) {
    return a.time_ps != b.time_ps ? a.time_ps < b.time_ps : a.id < b.id;
  };
  for (Event* next = first + 1; next < end; ++next) {
    if (!before(*next, next[-1])) [[likely]]
      continue;
    const Event event = *next;
    Event* place = next;
    for (; place > first && before(event, place[-1]); --place) *place = place[-1];
    *place = event;
  }
}

InstantOrder sort_instant_portable(const Event* events, std::size_t count, Event* last) {
  std::uint32_t smallest = events[0].id, largest = smallest;
  bool in_order = true;
  for (std::size_t i = 1; i < count; ++i) {
    const std::uint32_t id = events[i].id;
    smallest = std::min(smallest, id);
    largest = std::max(largest, id);
    in_order &= id >= events[i - 1].id;
  }
  if (in_order) return InstantOrder::found_in_order;
  if (largest - smallest > instant_span_max) return InstantOrder::too_far_apart;
  std::int16_t keys[sort_block_max];
  std::uint16_t places[sort_block_max] = {};
  for (std::size_t i = 0; i < count; ++i)
    keys[i] = static_cast<std::int16_t>(static_cast<std::int32_t>(events[i].id - smallest) - instant_key_offset);
  for (std::size_t j = 0; j < count; ++j) {
    const std::int16_t other = keys[j];
    for (std::size_t i = 0; i < count; ++i) places[i] = static_cast<std::uint16_t>(places[i] + (other > keys[i]));
    --keys[j];
  }
  for (std::size_t i = 0; i < count; ++i) *(last - places[i]) = events[i];
  return InstantOrder::sorted;
}

// Counts of larger keys for own[4 * vectors], which stay in registers while all are compared with them. Any processor
// has vectors of 16 bytes, and a compiler does without where not.
template <int vectors>
inline void rank_narrow(const std::int32_t* keys, std::size_t rounded, const std::int32_t* own, std::int32_t* places) {
  using Four [[gnu::vector_size(16)]] = std::int32_t;
  Four key[vectors], larger[vectors] = {};
  std::memcpy(key, own, sizeof(key));
  for (std::size_t j = 0; j < rounded; ++j) {
    const Four other = {keys[j], keys[j], keys[j], keys[j]};
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) larger[v] -= other > key[v];
  }
  std::memcpy(places, larger, sizeof(larger));
}

// As many bits of time as fit 32 with the place, in blocks that a compiler turns into vectors of any processor. What
// these keys do not tell apart lies side by side and is mended; where it is all of the slot, ids decide.
void sort_portable(const Event* events, std::size_t count, const SortKey& key, Event* last) {
  std::int32_t keys[sort_block_max], places[sort_block_max];
  const int time_bits = 64 - std::countl_zero(key.time_mask), time_room = 31 - SortKey::place_bits;
  const int dropped = std::max(0, time_bits - time_room);
  const std::size_t rounded = (count + sort_block - 1) / sort_block * sort_block;
  std::uint64_t differs = 0;
  for (std::size_t i = 0; i < count; ++i) {
    differs |= events[i].time_ps ^ events[0].time_ps;
    keys[i] = static_cast<std::int32_t>((events[i].time_ps & key.time_mask) >> dropped << SortKey::place_bits | i);
  }
  Event* const first = last - (count - 1);
  if (differs == 0) {
    const InstantOrder order = sort_instant_portable(events, count, last);
    if (order == InstantOrder::found_in_order) std::copy_n(events, count, first);
    if (order != InstantOrder::too_far_apart) return;
  }
  for (std::size_t i = count; i < rounded; ++i) keys[i] = -1;
  std::size_t own = 0;
  for (; own + 16 <= rounded; own += 16) rank_narrow<4>(keys, rounded, keys + own, places + own);
  if (own < rounded) rank_narrow<2>(keys, rounded, keys + own, places + own);
  for (std::size_t i = 0; i < count; ++i) *(last - places[i]) = events[i];
  sort_nearly_sorted(first, last + 1);
}

#if defined(__x86_64__) && defined(__GNUC__)
// The vector variants work on whole blocks whatever the count, for an exact loop would end with a mispredicted branch:
// what is beyond the count gets the key -1, and with it the place before all others. Places are counted downwards from
// 0, the last: a comparison yields -1.

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

[[gnu::target("avx2")]] void sort_avx2(const Event* events, std::size_t count, const SortKey& key, Event* last) {
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

template <int vectors>
[[gnu::target("avx512f")]] inline void rank_avx512(const std::int64_t* keys, std::size_t rounded,
                                                   const std::int64_t* own, std::int64_t* places) {
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
        larger[v] = _mm512_mask_sub_epi64(larger[v], _mm512_cmpgt_epi64_mask(other, key[v]), larger[v], one);
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) _mm512_storeu_si512(places + 8 * v, larger[v]);
}

[[gnu::target("avx512f")]] void sort_avx512(const Event* events, std::size_t count, const SortKey& key, Event* last) {
  std::int64_t keys[sort_block_max];
  std::int64_t places[sort_block_max];
  const std::size_t rounded = (count + sort_block - 1) / sort_block * sort_block;
  make_keys(events, count, rounded, key, keys);
  if (rounded == 16) {
    rank_avx512<2>(keys, 16, keys, places);
  } else if (rounded == 24) {
    rank_avx512<3>(keys, 24, keys, places);
  } else {
    for (std::size_t own = 0; own < rounded; own += 8) rank_avx512<1>(keys, rounded, keys + own, places + own);
  }
  scatter(events, places, rounded, last);
  if (!key.has_id) sort_nearly_sorted(last - (count - 1), last + 1);
}
#endif

std::array<SortVariant, 4> find_variants() {
  std::array<SortVariant, 4> found{};
  std::size_t count = 0;
#if defined(__x86_64__) && defined(__GNUC__)
  if (__builtin_cpu_supports("avx512f")) found[count++] = {"avx512", sort_avx512, sort_instant_avx2};
  if (__builtin_cpu_supports("avx2")) found[count++] = {"avx2", sort_avx2, sort_instant_avx2};
#endif
  found[count] = {"portable", sort_portable, sort_instant_portable};
  return found;
}

}  // namespace

const SortVariant* runnable_sort_variants() {
  static const std::array<SortVariant, 4> variants = find_variants();
  return variants.data();
}
const SortVariant& best_sort() { return *runnable_sort_variants(); }

}  // namespace sparsesim
