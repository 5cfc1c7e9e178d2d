#pragma once
// Sorting a few dozen events without a branch that depends on them: count, for each, how many come later.

#include <cstddef>
#include <cstdint>

#include "sim/core/event.h"

namespace sparsesim {

/// Events are read in blocks of this many.
inline constexpr std::size_t sort_block = 8;
/// Most events that a SortFunction takes; beyond this the quadratic count loses to an ordinary sort.
inline constexpr std::size_t sort_block_max = 120;

/// What a vector sort compares: (time mod 2^time_bits, id, place) in 63 bits, or without the id where time needs its
/// room; then ties are rare and mended.
struct SortKey {
  static constexpr int place_bits = 7, id_bits = 32;
  explicit SortKey(int bits)
      : time_bits(bits),
        time_mask((std::uint64_t{1} << bits) - 1),
        has_id(bits <= 63 - place_bits - id_bits),
        time_at(has_id ? place_bits + id_bits : place_bits),
        id_mask(has_id ? ~std::uint32_t{0} : 0) {}
  std::int64_t operator()(const Event& event, std::size_t place) const {
    return static_cast<std::int64_t>((event.time_ps & time_mask) << time_at |
                                     std::uint64_t{event.id & id_mask} << place_bits | place);
  }
  int time_bits;
  std::uint64_t time_mask;
  bool has_id;
  int time_at;
  std::uint32_t id_mask;
};

/// Writes the events of one slot in the order of (time, id, place).
///
/// events  [count], readable up to the next multiple of sort_block, at least two blocks
/// last    where the latest goes; the others before it, and what is before the first may be overwritten too
using SortFunction = void (*)(const Event* events, std::size_t count, const SortKey& key, Event* last);

enum class InstantOrder { sorted, found_in_order, too_far_apart };
/// As a SortFunction for events of one instant, at most sort_block_max: ids within instant_span_max of one another are
/// compared in 16 bits. Writes nothing where they are not, nor where the events are in order as they are.
using InstantFunction = InstantOrder (*)(const Event* events, std::size_t count, Event* last);
inline constexpr std::uint32_t instant_span_max = 65'534;  // largest id less smallest

/// One way of counting; all give the same order.
struct SortVariant {
  const char* name = nullptr;
  SortFunction function = nullptr;
  InstantFunction instant = nullptr;
};
/// The fastest variant that this processor can run: AVX2 or portable.
const SortVariant& best_sort();
/// The variants that this processor can run, for tests and benchmarks; ends with a null function.
const SortVariant* runnable_sort_variants();

}  // namespace sparsesim
