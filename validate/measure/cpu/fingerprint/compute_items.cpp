#include <vector>

#include "validate/measure/cpu/fingerprint/items.h"
#include "validate/measure/cpu/kernels/dense_libraries.h"

namespace sparsesim::measure {
namespace {

constexpr double kCyclesOfMultiply = 3;  // 64-bit imul, Intel since Sandy Bridge and AMD since Zen (Agner Fog's tables)

/// Two vectors: what the multiply-adds start from and their factor. Sums stay finite: factors are below one.
std::vector<float> operands(int lanes, bool zeros) {
  std::vector<float> out(static_cast<std::size_t>(2 * lanes), 0.0f);
  std::uint32_t state = 12345;
  if (zeros) return out;
  for (float& x : out) {
    state = state * 1664525u + 1013904223u;  // Numerical Recipes' generator: bits at random, as in trained weights
    x = static_cast<float>(state >> 8) / 16777216.0f - 0.5f;
  }
  return out;
}

void add_clocks(Bench& bench, Sampler& sampler) {
  sampler.add(
      {"clock_scalar", 0, [](long n) { return busy_time([&] { keep(multiply_chain(n)); }) / kCyclesOfMultiply; }, {}});
  for (const bool zeros : {false, true}) {
    sampler.add({zeros ? "clock_zeros" : "clock_vector",
                 0,
                 [&v = bench.vectors, &team = bench.team, data = operands(bench.vectors.lanes, zeros)](long n) {
                   return team.busy([&](int) { keep(v.clock(n + n % 2, data.data())); }) / kCyclesOfMultiply;
                 },
                 {}});
  }
}

/// Every core exponentiates 1024 numbers again and again: 4 KB in and out, in the nearest cache.
double time_exponentials(Bench& bench, long n) {
  constexpr long kCount = 1024;
  constexpr std::size_t kApart = 64 * 1024 + 256;
  const long turns = (n + kCount - 1) / kCount;
  const auto place = [&](int thread) {
    return reinterpret_cast<float*>(bench.arena.data() + static_cast<std::size_t>(thread) * kApart);
  };
  for (int thread = 0; thread < bench.team.size(); ++thread)
    for (long i = 0; i < kCount; ++i) place(thread)[i] = -static_cast<float>(i) / 100;
  const double seconds = bench.team.busy([&](int thread) {
    for (long i = 0; i < turns; ++i) bench.vectors.exponential(place(thread), place(thread) + kCount, kCount);
  });
  return seconds * static_cast<double>(n) / static_cast<double>(turns * kCount);
}

void add_vectors(Bench& bench, Sampler& sampler) {
  const VectorLoops& v = bench.vectors;
  sampler.add({"fma",
               0,
               [&v, data = operands(v.lanes, false)](long n) {
                 return busy_time([&] { keep(v.fma(n, data.data())); }) / v.fmas_per_round;
               },
               {}});
  sampler.add({"fma_all",
               static_cast<double>(bench.team.size()),
               [&v, &team = bench.team, data = operands(v.lanes, false)](long n) {
                 return team.busy([&](int) { keep(v.fma(n, data.data())); }) / v.fmas_per_round;
               },
               {}});
  if (const VectorLoops* half = avx2_loops(); half != nullptr && half->lanes < v.lanes)
    sampler.add({"fma_half",
                 0,
                 [half, data = operands(half->lanes, false)](long n) {
                   return busy_time([&] { keep(half->fma(n, data.data())); }) / half->fmas_per_round;
                 },
                 {}});
  const auto add_dots = [&](const char* curve, float (*loop)(long), bool has) {
    if (loop == nullptr || !has) return;
    sampler.add({curve, 0, [loop, &v](long n) { return busy_time([&] { keep(loop(n)); }) / v.fmas_per_round; }, {}});
  };
  add_dots("dot_bf16", v.dot_bf16, bench.context.avx512_bf16);
  add_dots("dot_int8", v.dot_int8, has_vnni());
  sampler.add({"exponential", 0, [&bench](long n) { return time_exponentials(bench, n); }, {}});
}

void add_control(Bench& bench, Sampler& sampler) {
  sampler.add({"instruction", 0, [](long n) { return busy_time([&] { idle_instructions(n); }); }, {}});
  sampler.add({"addition", 0, [](long n) { return busy_time([&] { keep(add_chain(n)); }); }, {}});
  sampler.add({"scalar_load",
               0,
               [&bench](long n) {
                 return busy_time([&] { scalar_loads(n, reinterpret_cast<const std::int32_t*>(bench.arena.data())); });
               },
               {}});
  for (const bool random : {false, true}) {
    sampler.add({random ? "branch_random" : "branch_never",
                 0,
                 [random](long n) {
                   std::uint64_t mask = random ? 1 : 0;
                   asm volatile("" : "+r"(mask));
                   return busy_time([&] { keep(branches(n, mask, static_cast<std::uint64_t>(n) + 77)); });
                 },
                 {}});
    sampler.add({random ? "rows_random" : "rows_fixed",
                 0,
                 [random](long n) {
                   constexpr int kTurns = 4;
                   return busy_time([&] { keep(short_loops(n, random ? -kTurns : kTurns, 99)); });
                 },
                 {}});
  }
}

void add_tiles(const CpuContext& context, Sampler& sampler) {
  const auto add = [&](const char* curve, double x, int rows, int columns, int depth, auto product) {
    sampler.add({curve,
                 x,
                 [=](long n) {
                   return product(rows, columns, depth, (n + 3) / 4 * 4) * static_cast<double>(n) /
                          static_cast<double>((n + 3) / 4 * 4);
                 },
                 {}});
  };
  if (context.amx_bf16 && tile_products(1, 1, 4, 4) >= 0) {
    for (const int rows : {1, 2, 4, 8, 12, 16}) add("tile_rows", rows, rows, 16, 64, tile_products);
    for (const int columns : {1, 4, 8, 16}) add("tile_columns", columns, 16, columns, 64, tile_products);
    for (const int depth : {4, 16, 32, 64}) add("tile_depth", depth / 2, 16, 16, depth, tile_products);
  }
  if (context.amx_int8 && tile_products_int8(1, 1, 4, 4) >= 0)
    for (const int rows : {1, 4, 8, 16}) add("tile_rows_int8", rows, rows, 16, 64, tile_products_int8);
}

}  // namespace

void add_compute_items(Bench& bench, Sampler& sampler) {
  add_clocks(bench, sampler);
  add_vectors(bench, sampler);
  add_control(bench, sampler);
  add_tiles(bench.context, sampler);
}

}  // namespace sparsesim::measure
