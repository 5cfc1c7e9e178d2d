#pragma once
// What the variants of slot_sort have in common.

#include <cstddef>
#include <cstdint>

#include "sim/core/event.h"
#include "sim/core/slot_sort.h"

namespace sparsesim {

/// Keys of one instant are (id - smallest id) less this: -32767 to 32767. Of equal ids the later one counts as larger,
/// for a key is lessened once it has been compared with all; no key gets below -32768.
inline constexpr std::int32_t instant_key_offset = 32'767;

/// Slots of at most this many events are compared by 15 bits of their times first: where those differ, which they
/// mostly do, nothing else decides.
inline constexpr std::size_t narrow_count_max = 32;
inline constexpr int narrow_time_bits = 15;
/// Bits of the time in a slot that a narrow key leaves out.
inline int narrow_dropped(const SortKey& key) {
  return key.time_bits > narrow_time_bits ? key.time_bits - narrow_time_bits : 0;
}
/// Sum of the places 0, 1, ... of `count` events: less where two of them were taken for equal.
constexpr int sum_of_places(int count) { return count * (count - 1) / 2; }

/// Insertion sort by (time, id): later events move to the back.
inline void sort_nearly_sorted(Event* first, Event* end) {
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

/// The variant with AVX2, or one without a function where the processor or the compiler lacks it.
SortVariant avx2_sort();

}  // namespace sparsesim
