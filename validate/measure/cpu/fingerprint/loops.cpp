#include "validate/measure/cpu/fingerprint/loops.h"

namespace sparsesim::measure {
namespace {

/// Marsaglia's xorshift64: three shifts, no memory.
inline std::uint64_t next(std::uint64_t state) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^ (state << 17);
}

}  // namespace

std::uint64_t multiply_chain(long count) {
  std::uint64_t value = 3;
  std::uint64_t factor = 5;
  asm volatile("" : "+r"(factor));  // unknown to the compiler, which would add and shift instead
  for (long i = 0; i < count; ++i) {
    value *= factor;
    asm volatile("" : "+r"(value));
  }
  return value;
}

const void* chase(const void* start, long count) {
  const void* at = start;
  for (long i = 0; i < count; ++i) {
    at = *static_cast<const void* const*>(at);
    asm volatile("" : "+r"(at));
  }
  return at;
}

long branches(long count, std::uint64_t mask, std::uint64_t seed) {
  long taken = 0;
  std::uint64_t state = seed | 1;
  for (long i = 0; i < count; ++i) {
    state = next(state);
    if (state & mask) {
      asm volatile("" : "+r"(taken));  // keeps it a branch
      ++taken;
    }
  }
  return taken;
}

long short_loops(long rows, int fixed, std::uint64_t seed) {
  long turns = 0;
  std::uint64_t state = seed | 1;
  for (long row = 0; row < rows; ++row) {
    state = next(state);
    const long random =
        1 + static_cast<long>((state >> 32) % static_cast<std::uint64_t>(fixed < 0 ? -2 * fixed - 1 : 1));
    const long length = fixed < 0 ? random : fixed;
    for (long i = 0; i < length; ++i) {
      ++turns;
      asm volatile("" : "+r"(turns));
    }
  }
  return turns;
}

}  // namespace sparsesim::measure
