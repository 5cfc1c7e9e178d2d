#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "validate/measure/cpu/bytes.h"
#include "validate/measure/cpu/fingerprint/items.h"

namespace sparsesim::measure {
namespace {

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
using Sweep = void (*)(const VectorLoops&, char*, std::size_t, long);
void sweep_read(const VectorLoops& v, char* data, std::size_t bytes, long sweeps) { keep(v.read(data, bytes, sweeps)); }
void sweep_write(const VectorLoops& v, char* data, std::size_t bytes, long sweeps) {
  for (long i = 0; i < sweeps; ++i) v.write(data, bytes);
}
void sweep_write_past(const VectorLoops& v, char* data, std::size_t bytes, long sweeps) {
  for (long i = 0; i < sweeps; ++i) v.write_past(data, bytes);
}

/// Where a core of the team has its data: parts of the arena that begin at the same place of every cache.
std::size_t part_bytes(const Bench& bench, bool all) {
  const std::size_t threads = all ? static_cast<std::size_t>(bench.team.size()) : 1;
  return bench.arena.size() / threads / (2 * kMiB) * (2 * kMiB);
}

/// Seconds of work(begin of a core's part), by all cores or by the caller alone.
template <class Work>
double run_parts(const Bench& bench, bool all, Work work) {
  const std::size_t part = part_bytes(bench, all);
  const auto at = [&](int thread) { work(thread, bench.arena.data() + static_cast<std::size_t>(thread) * part); };
  return all ? bench.team.busy(at) : busy_time([&] { at(0); });
}

/// Seconds per byte of sweeps over `bytes` per core; an operation is one byte, so that large sweeps need no whole
/// second.
void add_sweep(Bench& bench, Sampler& sampler, const char* curve, std::size_t bytes, Sweep sweep, bool all) {
  const auto run = [&bench, bytes, sweep, all](long count) {
    const int threads = all ? bench.team.size() : 1;
    const long sweeps = std::max(1L, count / threads / static_cast<long>(bytes));
    const double seconds = run_parts(bench, all, [&](int, char* begin) { sweep(bench.vectors, begin, bytes, sweeps); });
    return seconds * static_cast<double>(count) / (static_cast<double>(sweeps) * static_cast<double>(bytes) * threads);
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

void add_chase(Bench& bench, Sampler& sampler, const char* curve, double x, std::size_t lines, std::size_t stride,
               bool all) {
  const int threads = all ? bench.team.size() : 1;
  // Where each core stopped: a sample goes on there, so that a new lap is no old one.
  const auto at = std::make_shared<std::vector<const void*>>(static_cast<std::size_t>(threads));
  const auto prepare = [&bench, lines, stride, all, threads, at] {
    std::vector<std::size_t> places(lines);
    for (std::size_t i = 0; i < lines; ++i) places[i] = i * stride;
    for (int thread = 0; thread < threads; ++thread) {
      char* begin = bench.arena.data() + static_cast<std::size_t>(thread) * part_bytes(bench, all);
      link_cycle(begin, places);
      (*at)[static_cast<std::size_t>(thread)] = begin;
    }
  };
  const auto run = [&bench, all, at](long n) {
    return run_parts(bench, all, [&](int thread, char*) {
      const void*& place = (*at)[static_cast<std::size_t>(thread)];
      place = chase(place, n);
    });
  };
  sampler.add({curve, x, run, prepare});
}

void add_latencies(Bench& bench, Sampler& sampler) {
  for (const std::size_t bytes : footprints(8 * kKiB, bench.largest_set, !bench.quick))
    add_chase(bench, sampler, "latency", static_cast<double>(bytes), bytes / kLine, kLine, false);
  for (const std::size_t bytes : footprints(8 * kKiB, 8 * kMiB, true))  // private capacities are read off here
    add_chase(bench, sampler, "latency_all", static_cast<double>(bytes), bytes / kLine, kLine, true);
  for (std::size_t lines = 2; lines <= 32; lines += bench.quick ? 2 : 1) {
    add_chase(bench, sampler, "conflict_lines", static_cast<double>(lines), lines, 4 * kKiB, true);
    add_chase(bench, sampler, "conflict_lines_far", static_cast<double>(lines), lines, 128 * kKiB, true);
  }
  constexpr std::size_t kLines = 64;
  for (std::size_t stride = kLine; stride <= 256 * kKiB; stride *= 2)
    add_chase(bench, sampler, "conflict_stride", static_cast<double>(stride), kLines, stride, false);
}

/// Runs of `bytes` at random places of `set` bytes, per core.
void add_runs(Bench& bench, Sampler& sampler, const std::string& curve, std::size_t set, std::size_t bytes, bool all) {
  const auto seed = std::make_shared<std::uint64_t>(1);
  const auto run = [&bench, set, bytes, all, seed](long n) {
    const std::size_t step = std::max(bytes, kLine);
    const long count = (n + 3) / 4 * 4;
    const std::uint64_t first = *seed += 64;
    const double seconds = run_parts(bench, all, [&](int thread, char* begin) {
      keep(bench.vectors.random_runs(begin, set, step, bytes, count, first + static_cast<std::uint64_t>(thread)));
    });
    return seconds * static_cast<double>(n) / static_cast<double>(count);
  };
  sampler.add({curve, static_cast<double>(bytes), run, {}});
}

/// The largest power of two that fits into a core's part of the arena.
std::size_t largest_part(const Bench& bench) {
  std::size_t set = kMiB;
  while (2 * set <= part_bytes(bench, true)) set *= 2;
  return set;
}

void add_random(Bench& bench, Sampler& sampler) {
  std::vector<std::size_t> sets = {32 * kKiB, 256 * kKiB, 4 * kMiB, 64 * kMiB, 256 * kMiB};
  if (bench.quick) sets = {256 * kKiB, 64 * kMiB};
  for (const std::size_t set : sets) {
    if (set > bench.largest_set) continue;
    const std::string name = set < kMiB ? std::to_string(set / kKiB) + "kb" : std::to_string(set / kMiB) + "mb";
    for (std::size_t bytes = 8; bytes <= 4 * kKiB && bytes <= set / 4; bytes = bytes == 8 ? kLine : bytes * 2)
      add_runs(bench, sampler, "random_" + name, set, bytes, false);
  }
  for (const std::size_t bytes : {std::size_t{8}, kLine, 4 * kLine})
    add_runs(bench, sampler, "random_all", largest_part(bench), bytes, true);
}

void add_gather(Bench& bench, Sampler& sampler, const char* curve, std::size_t bytes, bool all) {
  constexpr long kCount = 4096;  // 16 KB of indices: they share the nearest cache with the smallest table
  const auto indices = std::make_shared<std::vector<std::int32_t>>(kCount + 16);
  const auto beyond = reinterpret_cast<std::uintptr_t>(indices->data()) % 64;
  auto* const aligned = indices->data() + (64 - beyond) % 64 / sizeof(std::int32_t);
  const auto prepare = [aligned, bytes, indices] {
    std::mt19937 random(static_cast<unsigned>(bytes));
    for (long i = 0; i < kCount; ++i) aligned[i] = static_cast<std::int32_t>(random() % (bytes / 16 * 3));  // 3/4 of it
  };
  const auto done = std::make_shared<long>(0);
  const auto run = [&bench, aligned, bytes, all, done](long n) {
    const long turns = (n + kCount - 1) / kCount, span = static_cast<long>(bytes / 4);
    const long first = *done;
    *done += turns;
    const double seconds = run_parts(bench, all, [&](int, char* begin) {
      // Fresh addresses in each turn where the table is large: a shared cache would keep those of the sample before.
      for (long i = first; i < first + turns; ++i) {
        const long offset = span > (1L << 18) ? (i * 104729) % (span / 4) : 0;
        keep(bench.vectors.gather(reinterpret_cast<const float*>(begin) + offset, aligned, kCount));
      }
    });
    return seconds * static_cast<double>(n) / static_cast<double>(turns * kCount);
  };
  sampler.add({curve, static_cast<double>(bytes), run, prepare});
}

void add_gathers(Bench& bench, Sampler& sampler) {
  for (const std::size_t bytes : footprints(8 * kKiB, bench.largest_set, false))
    add_gather(bench, sampler, "gather", bytes, false);
  for (const std::size_t bytes : {8 * kKiB, 128 * kKiB, 2 * kMiB})
    add_gather(bench, sampler, "gather_all", bytes, true);
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
        const double seconds = busy_time([&] {
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
      sweep_read(bench.vectors, bench.arena.data(), bytes, 3);
      const double until = seconds_now() + wait_ms * 1e-3;
      while (seconds_now() < until) {
      }
      return busy_time([&] { sweep_read(bench.vectors, bench.arena.data(), bytes, 1); }) * static_cast<double>(n) /
             static_cast<double>(bytes);
    };
    sampler.add({"retention", wait_ms, run, {}});
  }
}

}  // namespace

void add_memory_items(Bench& bench, Sampler& sampler) {
  const std::size_t part = part_bytes(bench, true);
  for (const std::size_t bytes : footprints(8 * kKiB, bench.largest_set, !bench.quick))
    add_sweep(bench, sampler, "read", bytes, sweep_read, false);
  for (const std::size_t bytes : footprints(8 * kKiB, part, !bench.quick))
    add_sweep(bench, sampler, "read_all", bytes, sweep_read, true);
  for (const std::size_t bytes : footprints(8 * kKiB, bench.largest_set, false))
    add_sweep(bench, sampler, "write", bytes, sweep_write, false);
  for (const std::size_t bytes : footprints(8 * kKiB, part, false))
    add_sweep(bench, sampler, "write_all", bytes, sweep_write, true);
  add_sweep(bench, sampler, "write_past", bench.largest_set, sweep_write_past, false);
  add_sweep(bench, sampler, "write_past_all", part, sweep_write_past, true);
  add_latencies(bench, sampler);
  add_random(bench, sampler);
  add_gathers(bench, sampler);
  add_overlap(bench, sampler);
  add_retention(bench, sampler);
}

}  // namespace sparsesim::measure
