#pragma once
// The timed loops. Those with vectors come once per instruction set; the caller asks the processor which it has.

#include <cstddef>
#include <cstdint>

namespace sparsesim::measure {

/// Loops over vectors of one instruction set. All memory is 64-byte aligned.
struct VectorLoops {
  const char* name;       // "AVX2"
  int lanes;              // fp32 of a vector
  double fmas_per_round;  // vector multiply-adds of one round of fma()
  /// Independent multiply-adds in registers that start as `operands` ([lanes] fp32).
  float (*fma)(long rounds, const float* operands);
  /// As many independent sums of products of pairs of bf16, of fours of int8; none where the instruction set has none.
  float (*dot_bf16)(long rounds);
  float (*dot_int8)(long rounds);
  /// Chained integer multiplies, 3 cycles each, beside vector multiply-adds that fill less than half of two units: its
  /// time tells the clock under vector load, also where two threads share a core.
  std::uint64_t (*clock)(long multiplies, const float* operands);
  /// Loads every byte, `sweeps` times.
  float (*read)(const char* data, std::size_t bytes, long sweeps);
  void (*write)(char* data, std::size_t bytes);
  /// Stores that go past the caches.
  void (*write_past)(char* data, std::size_t bytes);
  /// Loads every line and makes `fmas` vector multiply-adds for each.
  float (*overlap)(const char* data, std::size_t bytes, int fmas);
  /// Loads table[indices[i]]; count is a multiple of the lanes.
  float (*gather)(const float* table, const std::int32_t* indices, long count);
  /// e^x of `count` fp32 by range reduction and a polynomial of degree 5; count is a multiple of the lanes.
  void (*exponential)(const float* in, float* out, long count);
  /// `count` runs of `bytes` (8, or a multiple of 64) at random multiples of `step` within `set` bytes (power of two).
  float (*random_runs)(const char* data, std::size_t set, std::size_t step, std::size_t bytes, long count,
                       std::uint64_t seed);
};

/// The loops of an instruction set, or nothing where the program was built without them.
const VectorLoops* avx2_loops();
const VectorLoops* avx512_loops();

/// `count` instructions that do nothing, in 64s: what the front end and the retirement let through.
void idle_instructions(long count);
/// `count` loads of one number each into a register, in 64s, of which none waits for another.
void scalar_loads(long count, const std::int32_t* numbers);
/// `count` chained integer multiplies, 3 cycles each on every x86-64 processor since 2011.
std::uint64_t multiply_chain(long count);
/// `count` chained additions of fp32.
float add_chain(long count);
/// Follows `count` pointers.
const void* chase(const void* start, long count);
/// A branch on every number of a generator, taken by `mask`: 0 never, a bit at random. Returns how often it was.
long branches(long count, std::uint64_t mask, std::uint64_t seed);
/// `rows` short loops of `fixed` turns, or of 1 to 2 * fixed - 1 at random where `fixed` is negative.
long short_loops(long rows, int fixed, std::uint64_t seed);

/// Seconds of `count` tile multiply-adds with so many rows of A, operands in registers; bf16. Negative: not built.
double tile_products(int rows, int columns, int depth_bytes, long count);
/// The same for int8.
double tile_products_int8(int rows, int columns, int depth_bytes, long count);

}  // namespace sparsesim::measure
