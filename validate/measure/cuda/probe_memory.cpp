// Latencies and bandwidths of the memory levels, and what random granules cost.

#include <algorithm>
#include <cmath>

#include "validate/measure/cuda/probe_kernels.h"
#include "validate/measure/cuda/prober.h"
#include "validate/measure/harness/estimator.h"

namespace sparsesim::measure {
namespace {

constexpr std::uint32_t kLineWords = 32;  // 128 B
constexpr int kCtasPerUnit = 4;

std::function<double(double)> rate_of(double bytes, double unit) {
  return [=](double seconds) { return bytes / seconds / unit; };
}

/// Cycles of one step of a chase over `bytes` of lines. What fits the caches is met often or was read before; what does
/// not is met in another part of the cycle with each sample.
std::vector<double> chase_cycles(const Prober& p, std::size_t bytes, bool through_l1) {
  const auto lines = static_cast<std::uint32_t>(bytes / (4 * kLineWords));
  const DeviceMemory next = to_device(random_cycle(lines, kLineWords, p.seed()));
  const int steps = static_cast<int>(std::clamp<std::uint32_t>(8 * lines, 4096, 1 << 15));
  std::uint32_t start = 0;
  const auto bytes_read = static_cast<std::int64_t>(next.bytes() / 16 * 16);
  check(read_all(next.data(), bytes_read, 1, p.device().units(), false, p.sink(), p.stream()));
  auto cycles = p.cycles([&] {
    check(chase({.next = next.as<std::uint32_t>(),
                 .start = start,
                 .steps = steps,
                 .through_l1 = through_l1,
                 .cycles = p.report()},
                p.stream()));
    start = (start + lines / 5 * kLineWords) % (lines * kLineWords);
  });
  for (double& value : cycles) value /= steps;
  return cycles;
}

void probe_latencies(const Prober& p, SubstrateFile& file) {
  Curve curve{.name = "load_latency",
              .title = "a dependent load, by working set",
              .x_unit = "B",
              .y_unit = "cycles",
              .points = {}};
  for (std::size_t bytes = 4096; bytes <= p.device().last_cache_bytes() * 4; bytes *= 2)
    curve.points.push_back(
        point_of(static_cast<double>(bytes), chase_cycles(p, bytes, true), [](double c) { return c; }));
  file.curve(curve);
  file.number("memory.l1.latency", spread_of(chase_cycles(p, 8192, true)), "cycles", "dependent loads over 8 KiB");
}

/// Every read of a chase beyond the caches on its own.
void probe_dram_latency(const Prober& p, SubstrateFile& file) {
  constexpr int kSteps = 8192;
  const std::size_t bytes = std::max(p.device().last_cache_bytes() * 4, std::size_t{256} << 20);
  const auto lines = static_cast<std::uint32_t>(bytes / (4 * kLineWords));
  const DeviceMemory next = to_device(random_cycle(lines, kLineWords, p.seed())), log(kSteps * 4);
  std::vector<double> all;
  std::uint32_t start = 0;
  for (int sample = 0; sample < 4; ++sample) {
    const auto whole = static_cast<std::int64_t>(p.table().bytes() / 16 * 16);  // leaves no line of the cycle in L2
    check(read_all(p.table().data(), whole, 1, p.device().units() * kCtasPerUnit, false, p.sink(), p.stream()));
    check(chase({.next = next.as<std::uint32_t>(),
                 .start = start,
                 .steps = kSteps,
                 .cycles = p.report(),
                 .log = log.as<std::uint32_t>()},
                p.stream()));
    p.device().synchronize();
    for (const std::uint32_t cycles : to_host<std::uint32_t>(log.data(), kSteps)) all.push_back(cycles);
    start = (start + lines / 4 * kLineWords) % (lines * kLineWords);
  }
  const double ns = 1e9 / p.clock_hz();
  const auto at = [&](double share) { return quantile(all, share) * ns; };
  file.number("memory.dram.latency", {at(0.5), at(0.1), at(0.9), at(0.5), static_cast<int>(all.size()), 1}, "ns",
              "median of single reads; low and high are their p10 and p90");
  file.number("memory.dram.latency_p95", {at(0.95), at(0.95), at(0.95), at(0.95), static_cast<int>(all.size()), 1},
              "ns");
}

/// From each SM to lines that stay in L2: SMs near a line's partition and SMs far from it.
void probe_partitions(const Prober& p, SubstrateFile& file) {
  constexpr int kLines = 16, kRounds = 128;
  const int units = p.device().units();
  const DeviceMemory cycles(static_cast<std::size_t>(units) * sizeof(float));
  Curve curve{.name = "l2_latency_by_unit",
              .title = "a read of lines in L2, by unit in order of latency",
              .x_unit = "SM",
              .y_unit = "cycles",
              .points = {}};
  std::vector<double> near, far;
  for (int line = 0; line < kLines; ++line) {
    const std::uint32_t* element =
        p.table().as<std::uint32_t>() + std::size_t{line * 8209u} * kLineWords;  // 1 MiB apart, about
    check(cudaMemsetAsync(cycles.data(), 0, cycles.bytes(), p.stream()));
    for (int unit = 0; unit < units; ++unit)  // one after the other: they would queue for the line
      check(line_latency(element, unit, units, kRounds, p.whole_sm_bytes(), cycles.as<float>(), p.stream()));
    p.device().synchronize();
    std::vector<double> of_line;
    for (const float measured : to_host<float>(cycles.data(), static_cast<std::size_t>(units)))
      if (measured > 0) of_line.push_back(measured);  // an SM that got no CTA says nothing
    if (of_line.empty()) throw CudaError("no SM was met by its number");
    const auto [low, high] = two_means(of_line);
    near.push_back(low);
    far.push_back(high);
    std::sort(of_line.begin(), of_line.end());
    if (line == 0)
      for (std::size_t unit = 0; unit < of_line.size(); unit += std::max<std::size_t>(of_line.size() / 16, 1))
        curve.points.push_back({static_cast<double>(unit + 1), of_line[unit], of_line[unit], of_line[unit]});
  }
  file.curve(curve);
  const double ns = 1e9 / p.clock_hz();
  const auto as_ns = [&](double value) { return value * ns; };
  file.number("memory.l2.near_latency", spread_of(near, as_ns), "ns", "the nearer SMs of each of 16 lines");
  file.number("memory.l2.far_latency", spread_of(far, as_ns), "ns", "the farther SMs of each of 16 lines");
}

void probe_bandwidths(const Prober& p, SubstrateFile& file) {
  const int ctas = p.device().units() * kCtasPerUnit;
  const void* const table = p.table().data();
  const auto whole = static_cast<std::int64_t>(p.table().bytes() / 16 * 16);
  const auto resident = static_cast<std::int64_t>(p.device().last_cache_bytes() / 4 / 16 * 16);
  const auto read = [&](std::int64_t bytes, int repeats, int grid) {
    return p.time([&] { check(read_all(table, bytes, repeats, grid, false, p.sink(), p.stream())); });
  };
  file.number("memory.dram.achieved", spread_of(read(whole, 1, ctas), rate_of(static_cast<double>(whole), 1e9)), "GB/s",
              "reads of 2 GiB");
  file.number("memory.dram.written",
              spread_of(p.time([&] { check(write_all(p.table().data(), whole, ctas, p.stream())); }),
                        rate_of(static_cast<double>(whole), 1e9)),
              "GB/s", "writes of 2 GiB");
  check(cudaMemsetAsync(p.table().data(), 0, p.table().bytes(), p.stream()));  // other probes rely on zeros
  file.number("memory.dram.unit_bandwidth",
              spread_of(read(whole / 32, 1, 1), rate_of(static_cast<double>(whole / 32), 1e9)), "GB/s",
              "one CTA of 512 threads");
  file.number("memory.l2.bandwidth",
              spread_of(read(resident, 20, ctas), rate_of(20.0 * static_cast<double>(resident), 1e12)), "TB/s",
              "a quarter of the cache, read 20 times past L1");
  const double hz = p.clock_hz();
  const std::int64_t small = 1 << 20;
  file.number("memory.l2.port", spread_of(read(small, 20, 1), rate_of(20.0 * static_cast<double>(small), hz)),
              "B/cycle", "one CTA of 512 threads over 1 MiB");
  constexpr int kRepeats = 4000;
  const double own = 16384.0 * kRepeats;
  const auto l1 =
      p.time([&] { check(read_all(table, whole, kRepeats, p.device().units(), true, p.sink(), p.stream())); });
  file.number("memory.l1.bandwidth", spread_of(l1, rate_of(own, hz)), "B/cycle", "each SM over 16 KiB of its own");
}

/// Sequential reads of part of every line: a granule that is filled whole costs the same whichever part is read.
void probe_fill(const Prober& p, SubstrateFile& file) {
  const int ctas = p.device().units() * kCtasPerUnit;
  const auto bytes = static_cast<std::int64_t>(p.table().bytes() / 4096 * 4096);
  Curve curve{.name = "part_of_line",
              .title = "time of reading 32 of every so many bytes, over the time of all bytes",
              .x_unit = "B",
              .y_unit = "1",
              .points = {}};
  const auto read = [&](int stride) {
    return p.time([&] { check(read_strided(p.table().data(), bytes, 32, stride, ctas, p.sink(), p.stream())); });
  };
  const double all = spread_of(read(32)).value;
  double granule = 32;
  for (const int stride : {32, 64, 128, 256, 512}) {
    const auto seconds = read(stride);
    curve.points.push_back(point_of(stride, seconds, [&](double s) { return s / all; }));
    if (stride == 512) granule = 512 * spread_of(seconds).value / all;
  }
  file.curve(curve);
  const double whole = std::exp2(std::round(std::log2(std::clamp(granule, 32.0, 256.0))));
  file.number("memory.fill_granule", {.value = whole, .low = whole, .high = whole, .samples = p.samples(), .visits = 1},
              "B", "32 B of every 512 B cost as much as " + yaml_number(granule) + " B of a stream");
}

/// Random granules of 4 B to 4 KiB, in L2 and beyond it.
void probe_random(const Prober& p, SubstrateFile& file) {
  const int ctas = p.device().units() * kCtasPerUnit;
  constexpr double kMoved = 64e6;  // useful bytes of a sample, at most
  const auto times = [&](std::int64_t bytes, int granule, std::int64_t count) {
    return p.time(
        [&] { check(gather_granules(p.table().data(), bytes, granule, count, p.seed(), ctas, p.sink(), p.stream())); });
  };
  const auto count_of = [&](int granule) {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(kMoved) / granule, 1 << 14, 1 << 22);
  };
  const auto sweep = [&](const char* name, const char* title, std::int64_t bytes) {
    Curve curve{.name = name, .title = title, .x_unit = "B", .y_unit = "GB/s", .points = {}};
    for (int granule = 4; granule <= 4096; granule *= 2) {
      const std::int64_t count = count_of(granule);
      curve.points.push_back(
          point_of(granule, times(bytes, granule, count), rate_of(static_cast<double>(count) * granule, 1e9)));
    }
    file.curve(curve);
  };
  const auto whole = static_cast<std::int64_t>(p.table().bytes() / 4096 * 4096);
  sweep("random_dram", "useful bandwidth of random granules beyond the caches", whole);
  sweep("random_l2", "useful bandwidth of random granules in a quarter of L2",
        static_cast<std::int64_t>(p.device().last_cache_bytes() / 4 / 4096 * 4096));
  Curve reach{
      .name = "random_reach", .title = "random 32 B, by working set", .x_unit = "B", .y_unit = "G/s", .points = {}};
  for (std::int64_t bytes = 1 << 20; bytes <= whole; bytes *= 2)
    reach.points.push_back(point_of(static_cast<double>(bytes), times(bytes, 32, 1 << 21), rate_of(1 << 21, 1e9)));
  file.curve(reach);
  const auto sectors = times(whole, 32, 1 << 22);
  file.number("memory.dram.random_rate", spread_of(sectors, rate_of(1 << 22, 1e9)), "G/s",
              "32 B each, over the whole table");
  file.granule({"cache line", 32, "B", spread_of(sectors, [](double s) { return s / (1 << 22); }),
                "a random sector beyond the caches, all units reading"});
}

}  // namespace

void probe_caches(const Prober& prober, SubstrateFile& file) {
  try_probe(file, "latencies", [&] { probe_latencies(prober, file); });
  try_probe(file, "latency of main memory", [&] { probe_dram_latency(prober, file); });
  try_probe(file, "partitions of L2", [&] { probe_partitions(prober, file); });
  try_probe(file, "bandwidths", [&] { probe_bandwidths(prober, file); });
}

void probe_gathers(const Prober& prober, SubstrateFile& file) {
  try_probe(file, "fill granule", [&] { probe_fill(prober, file); });
  try_probe(file, "random granules", [&] { probe_random(prober, file); });
}

}  // namespace sparsesim::measure
