#include "sim/core/slot_sort.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "sim/core/slot_sort_parts.h"

namespace sparsesim {
namespace {

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

// Counts, for each of 8 * vectors keys, how many of the first `others` are larger. Any processor has vectors of 16
// bytes, and a compiler does without where not. `pairs` holds each key twice, which are quicker to spread over a
// vector.
template <int vectors, int others>
inline void rank_times(const std::uint32_t* pairs, const std::int16_t* keys, std::int16_t* places) {
  using Eight [[gnu::vector_size(16)]] = std::int16_t;
  using Four [[gnu::vector_size(16)]] = std::uint32_t;
  Eight key[vectors], larger[vectors] = {};
  std::memcpy(key, keys, sizeof(key));
#pragma GCC unroll 8
  for (int j = 0; j < others; ++j) {
    const Four spread = {pairs[j], pairs[j], pairs[j], pairs[j]};
    const auto other = reinterpret_cast<Eight>(spread);
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) larger[v] -= other > key[v];
  }
  std::memcpy(places, larger, sizeof(larger));
}

// Whole blocks whatever the count, for an exact loop would end with a mispredicted branch: what is beyond the count
// gets a key, and with it a place, before all others. False, with nothing written, where the keys of two events are
// equal.
template <int rounded>
bool sort_by_times(const Event* events, std::size_t count, const SortKey& key, Event* last) {
  std::uint32_t pairs[rounded];
  std::int16_t keys[rounded], places[rounded];
  const int dropped = narrow_dropped(key);
  for (int i = 0; i < rounded; ++i) {
    const int beyond = (static_cast<int>(count) - 1 - i) >> 31;  // all bits, from the count on
    const auto time = static_cast<int>((events[i].time_ps & key.time_mask) >> dropped);
    const int made = (time & ~beyond) | ((-1 - i) & beyond);
    keys[i] = static_cast<std::int16_t>(made);
    pairs[i] = static_cast<std::uint16_t>(made) * 0x10001u;
  }
  rank_times<rounded / 8, rounded>(pairs, keys, places);
  int sum = 0;
  for (const int place : places) sum += place;
  if (sum != sum_of_places(rounded)) return false;
#pragma GCC unroll 8
  for (int i = 0; i < rounded; ++i) *(last - places[i]) = events[i];
  return true;
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
void sort_wide(const Event* events, std::size_t count, const SortKey& key, Event* last) {
  std::int32_t keys[sort_block_max], places[sort_block_max];
  const int time_room = 31 - SortKey::place_bits;
  const int dropped = std::max(0, key.time_bits - time_room);
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

void sort_portable(const Event* events, std::size_t count, const SortKey& key, Event* last) {
  const bool sorted = count <= 16   ? sort_by_times<16>(events, count, key, last)
                      : count <= 24 ? sort_by_times<24>(events, count, key, last)
                                    : count <= 32 && sort_by_times<32>(events, count, key, last);
  if (!sorted) sort_wide(events, count, key, last);
}

std::array<SortVariant, 3> find_variants() {
  std::array<SortVariant, 3> found{};
  std::size_t count = 0;
  if (const SortVariant avx2 = avx2_sort(); avx2.function != nullptr) found[count++] = avx2;
  found[count] = {"portable", sort_portable, sort_instant_portable};
  return found;
}

}  // namespace

const SortVariant* runnable_sort_variants() {
  static const std::array<SortVariant, 3> variants = find_variants();
  return variants.data();
}
const SortVariant& best_sort() { return *runnable_sort_variants(); }

}  // namespace sparsesim
