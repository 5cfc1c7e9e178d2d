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

float add_chain(long count) {
  float value = 1, term = 0.5f;
  asm volatile("" : "+m"(term));
  const float each = term;
  for (long i = 0; i < count; ++i) {
    value += each;
#if defined(__x86_64__)
    asm volatile("" : "+x"(value));
#endif
  }
  return value;
}

void idle_instructions(long count) {
  long turns = (count + 63) / 64;
#if defined(__x86_64__)
  // NOPL of 8 bytes on a line's boundary: eight to a line, as caches of decoded instructions keep them at the most.
  asm volatile(".p2align 6\n1:\n\t.rept 62\n\t.byte 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0\n\t.endr\n\tsub $1, %0\n\tjnz 1b"
               : "+r"(turns)
               :
               : "cc");
#endif
}

void scalar_loads(long count, const std::int32_t* numbers) {
  for (long i = 0; i < count; i += 64) {
    std::int32_t into[4];
#pragma GCC unroll 64
    for (int j = 0; j < 64; ++j)
      asm volatile("" : "=r"(into[j % 4]) : "0"(*const_cast<const volatile std::int32_t*>(numbers + j)));
  }
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
