#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "validate/measure/cpu/fingerprint/items.h"

namespace sparsesim::measure {
namespace {

constexpr std::size_t kKiB = 1024, kMiB = 1024 * kKiB;
constexpr std::size_t kLine = 64;

template <class Value>
void keep(Value value) {
  asm volatile("" ::"g"(value) : "memory");
}

template <class Work>
double timed(Work work) {
  const double start = seconds_now();
  work();
  return seconds_now() - start;
}

/// Powers of two and their middles from `low` to `high`.
std::vector<std::size_t> footprints(std::size_t low, std::size_t high, bool middles) {
  std::vector<std::size_t> out;
  for (std::size_t size = low; size <= high; size *= 2) {
    out.push_back(size);
    if (middles && size * 3 / 2 <= high) out.push_back(size * 3 / 2);
  }
  return out;
}

/// `count` sweeps over `bytes` by every core of the team, each over its own part, or by the caller alone.
using Sweep = void (*)(const VectorLoops&, char*, std::size_t);
void sweep_read(const VectorLoops& v, char* data, std::size_t bytes) { keep(v.read(data, bytes)); }
void sweep_write(const VectorLoops& v, char* data, std::size_t bytes) { v.write(data, bytes); }
void sweep_write_past(const VectorLoops& v, char* data, std::size_t bytes) { v.write_past(data, bytes); }

/// Seconds per byte of sweeps over a footprint; an operation is one byte, so that large sweeps need no whole second.
void add_sweep(Bench& bench, Sampler& sampler, const char* curve, std::size_t bytes, Sweep sweep, bool all) {
  const auto run = [&bench, bytes, sweep, all](long count) {
    const long sweeps = std::max(1L, count / static_cast<long>(bytes));
    const int threads = all ? bench.team.size() : 1;
    const std::size_t part = bytes / static_cast<std::size_t>(threads) / 512 * 512;
    const auto work = [&](int thread) {
      char* begin = bench.arena.data() + static_cast<std::size_t>(thread) * part;
      for (long i = 0; i < sweeps; ++i) sweep(bench.vectors, begin, part);
    };
    const double seconds = all ? bench.team.run(work) : timed([&] { work(0); });
    const double moved = static_cast<double>(sweeps) * static_cast<double>(part) * threads;
    return seconds * static_cast<double>(count) / moved;
  };
  sampler.add({curve, static_cast<double>(bytes), run, {}});
}

/// Makes one random cycle through `places` (Sattolo's shuffle), so that no prefetcher can guess the next.
void link_cycle(char* data, std::vector<std::size_t> places) {
  std::mt19937_64 random(places.size());
  for (std::size_t i = places.size() - 1; i > 0; --i) std::swap(places[i], places[random() % i]);
  for (std::size_t i = 0; i < places.size(); ++i) {
    char* next = data + places[(i + 1) % places.size()];
    std::memcpy(data + places[i], &next, sizeof next);
  }
}

void add_chase(Bench& bench, Sampler& sampler, const char* curve, double x, std::size_t lines, std::size_t stride) {
  const auto at = std::make_shared<const void*>(nullptr);  // goes on where it stopped: a new lap is no old one
  const auto prepare = [&bench, lines, stride, at] {
    std::vector<std::size_t> places(lines);
    for (std::size_t i = 0; i < lines; ++i) places[i] = i * stride;
    link_cycle(bench.arena.data(), std::move(places));
    *at = bench.arena.data();
  };
  const auto run = [at](long n) { return timed([&] { *at = chase(*at, n); }); };
  sampler.add({curve, x, run, prepare});
}

void add_latencies(Bench& bench, Sampler& sampler) {
  for (const std::size_t bytes : footprints(16 * kKiB, bench.largest_set, !bench.quick))
    add_chase(bench, sampler, "latency", static_cast<double>(bytes), bytes / kLine, kLine);
  for (std::size_t lines = 2; lines <= 32; lines += bench.quick ? 2 : 1) {
    add_chase(bench, sampler, "conflict_lines", static_cast<double>(lines), lines, 4 * kKiB);
    add_chase(bench, sampler, "conflict_lines_far", static_cast<double>(lines), lines, 128 * kKiB);
  }
  constexpr std::size_t kLines = 64;
  for (std::size_t stride = kLine; stride <= 256 * kKiB; stride *= 2)
    add_chase(bench, sampler, "conflict_stride", static_cast<double>(stride), kLines, stride);
}

void add_random(Bench& bench, Sampler& sampler) {
  std::vector<std::size_t> sets = {32 * kKiB, 256 * kKiB, 4 * kMiB, 64 * kMiB, 256 * kMiB};
  if (bench.quick) sets = {256 * kKiB, 64 * kMiB};
  for (const std::size_t set : sets) {
    if (set > bench.largest_set) continue;
    const std::string curve =
        "random_" + (set < kMiB ? std::to_string(set / kKiB) + "kb" : std::to_string(set / kMiB) + "mb");
    for (std::size_t bytes = 8; bytes <= 4 * kKiB && bytes <= set / 4; bytes = bytes == 8 ? kLine : bytes * 2) {
      const auto run = [&bench, set, bytes](long n) {
        static std::uint64_t seed = 1;
        const std::size_t step = std::max(bytes, kLine);
        const long count = (n + 3) / 4 * 4;
        return timed([&] { keep(bench.vectors.random_runs(bench.arena.data(), set, step, bytes, count, ++seed)); }) *
               static_cast<double>(n) / static_cast<double>(count);
      };
      sampler.add({curve, static_cast<double>(bytes), run, {}});
    }
  }
}

void add_gathers(Bench& bench, Sampler& sampler) {
  constexpr long kCount = 4096;  // 16 KB of indices: they share the nearest cache with the smallest table
  for (const std::size_t bytes : footprints(16 * kKiB, bench.largest_set, false)) {
    const auto indices = std::make_shared<std::vector<std::int32_t>>(kCount + 16);
    const auto aligned = [indices] {
      auto address = reinterpret_cast<std::uintptr_t>(indices->data());
      return reinterpret_cast<std::int32_t*>((address + 63) / 64 * 64);
    };
    const auto prepare = [aligned, bytes] {
      std::mt19937 random(static_cast<unsigned>(bytes));
      for (long i = 0; i < kCount; ++i)
        aligned()[i] = static_cast<std::int32_t>(random() % (bytes / 16 * 3));  // three quarters of it
    };
    const auto run = [&bench, aligned, bytes](long n) {
      const long turns = (n + kCount - 1) / kCount;
      const long span = static_cast<long>(bytes / 4);
      return timed([&] {
               for (long i = 0; i < turns; ++i) {  // fresh addresses in each turn where the table is large
                 const long offset = span > (1L << 18) ? (i * 104729) % (span / 4) : 0;
                 const auto* table = reinterpret_cast<const float*>(bench.arena.data());
                 keep(bench.vectors.gather(table + offset, aligned(), kCount));
               }
             }) *
             static_cast<double>(n) / static_cast<double>(turns * kCount);
    };
    sampler.add({"gather", static_cast<double>(bytes), run, prepare});
  }
}

void add_overlap(Bench& bench, Sampler& sampler) {
  const std::vector<std::pair<const char*, std::size_t>> sets = {{"overlap_l2", 256 * kKiB},
                                                                 {"overlap_dram", bench.largest_set}};
  for (const auto& [curve, bytes] : sets) {
    for (const int fmas : {0, 8, 16, 32, 64}) {
      const auto run = [&bench, set = bytes, fmas](long n) {  // an operation is a line
        const long lines = static_cast<long>(set / kLine);
        const long part = std::min(lines, std::max(n, 16384L));
        static std::size_t place = 0;  // goes on where the last one ended
        long done = 0;
        const double seconds = timed([&] {
          for (; done < n; done += part) {
            if (place + static_cast<std::size_t>(part) * kLine > set) place = 0;
            keep(bench.vectors.overlap(bench.arena.data() + place, static_cast<std::size_t>(part) * kLine, fmas));
            place += static_cast<std::size_t>(part) * kLine;
          }
        });
        return seconds * static_cast<double>(n) / static_cast<double>(done);
      };
      sampler.add({curve, static_cast<double>(fmas), run, {}});
    }
  }
}

/// Reads half of the shared cache three times, waits, reads it again: what other tenants left of it.
void add_retention(Bench& bench, Sampler& sampler) {
  const std::size_t bytes = std::clamp(bench.context.last_cache_bytes / 4, kMiB, 8 * kMiB);
  for (const double wait_ms : {0.0, 0.5, 2.0, 5.0, 10.0, 50.0}) {
    if (bench.quick && wait_ms > 5) continue;
    const auto run = [&bench, bytes, wait_ms](long n) {
      for (int i = 0; i < 3; ++i) sweep_read(bench.vectors, bench.arena.data(), bytes);
      const double until = seconds_now() + wait_ms * 1e-3;
      while (seconds_now() < until) {
      }
      return timed([&] { sweep_read(bench.vectors, bench.arena.data(), bytes); }) * static_cast<double>(n) /
             static_cast<double>(bytes);
    };
    sampler.add({"retention", wait_ms, run, {}});
  }
}

}  // namespace

void add_memory_items(Bench& bench, Sampler& sampler) {
  for (const std::size_t bytes : footprints(8 * kKiB, bench.largest_set, !bench.quick))
    add_sweep(bench, sampler, "read", bytes, sweep_read, false);
  for (const std::size_t bytes : footprints(128 * kKiB, bench.largest_set, !bench.quick))
    add_sweep(bench, sampler, "read_all", bytes, sweep_read, true);
  for (const std::size_t bytes : footprints(8 * kKiB, bench.largest_set, false))
    add_sweep(bench, sampler, "write", bytes, sweep_write, false);
  for (const std::size_t bytes : {bench.largest_set}) {
    add_sweep(bench, sampler, "write_all", bytes, sweep_write, true);
    add_sweep(bench, sampler, "write_past", bytes, sweep_write_past, false);
    add_sweep(bench, sampler, "write_past_all", bytes, sweep_write_past, true);
  }
  add_latencies(bench, sampler);
  add_random(bench, sampler);
  add_gathers(bench, sampler);
  add_overlap(bench, sampler);
  add_retention(bench, sampler);
}

}  // namespace sparsesim::measure
