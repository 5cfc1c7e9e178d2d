#pragma once
// Sorting a few dozen distinct keys without a branch that depends on them: count, for each, how many are larger.

#include <cstddef>
#include <cstdint>

namespace sparsesim {

/// Most keys that rank() takes; beyond this the quadratic count loses to an ordinary sort.
inline constexpr std::size_t rank_sort_max = 128;
/// Keys and places must have room for this many entries: vector code works in whole blocks.
inline constexpr std::size_t rank_sort_room = rank_sort_max + 8;

/// places[i] = number of j < count with keys[j] > keys[i]: the place of key i in descending order.
///
/// keys   [rank_sort_room], the first `count` distinct, not negative; the rest may hold anything
/// places [rank_sort_room], entries from `count` on are overwritten with nothing useful
using RankFunction = void (*)(const std::int64_t* keys, std::uint64_t* places, std::size_t count);

/// Plain C++ for any machine.
void rank_portable(const std::int64_t* keys, std::uint64_t* places, std::size_t count);
/// The fastest variant that this processor can run: AVX-512, AVX2 or portable. All give the same places.
RankFunction best_rank_function();

/// The variants that this processor can run, with their names, for tests and benchmarks; ends with a null function.
struct RankVariant {
  const char* name;
  RankFunction function;
};
const RankVariant* runnable_rank_variants();

}  // namespace sparsesim
