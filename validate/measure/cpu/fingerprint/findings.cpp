#include "validate/measure/cpu/fingerprint/findings.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "validate/measure/cpu/fingerprint/knees.h"
#include "validate/measure/cpu/kernels/dense.h"

namespace sparsesim::measure {

Spread scaled(const Spread& a, double factor) {
  return {a.value * factor, a.low * factor, a.high * factor, a.p50 * factor, a.samples, a.visits};
}

Spread inverse(const Spread& a, double factor) {
  if (a.value <= 0) return {};
  return {factor / a.value, factor / a.high, factor / a.low, factor / a.p50, a.samples, a.visits};
}

Spread ratio(const Spread& a, const Spread& b) {
  if (b.value <= 0) return {};
  return {a.value / b.value, a.low / b.high, a.high / b.low, 0, std::min(a.samples, b.samples), a.visits};
}

namespace {

constexpr double kKiB = 1024, kMiB = 1024 * kKiB;

std::vector<Point> points(const Sampler& sampler, const std::string& curve) {
  std::vector<Point> out;
  for (const double x : sampler.places(curve)) out.push_back({x, sampler.at(curve, x).value});
  return out;
}

/// One point of a curve: the nearest place to x.
Spread nearest(const Sampler& sampler, const std::string& curve, double x) {
  Spread best;
  double distance = -1;
  for (const double place : sampler.places(curve)) {
    const double d = std::abs(std::log((place + 1e-9) / (x + 1e-9)));
    if (distance >= 0 && d >= distance) continue;
    distance = d;
    best = sampler.at(curve, place);
  }
  return best;
}

/// The levels of memory as one core sees them while all work: threads of one core share its caches.
struct Levels {
  double l1 = 0, mid = 0, shared = 0;  // capacities in B; of the shared one all of it
  double line = 64;
};

/// The size that the system names, where the knee says as much: a cache is full a little below its size, as other lines
/// are there, too. The knee itself where cores share a cache.
double confirmed(double knee, const std::vector<double>& named) {
  for (const double size : named)
    if (knee <= size && knee >= 0.6 * size) return size;
  return knee;
}

/// Sizes of the data caches of a core, as the system names them.
std::vector<double> named_caches() {
  std::vector<double> sizes;
  for (int index = 0; index < 8; ++index) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    std::string type;
    double kib = 0;
    if (!(std::ifstream(folder + "type") >> type) || !(std::ifstream(folder + "size") >> kib)) continue;
    if (type != "Instruction") sizes.push_back(kib * kKiB);
  }
  return sizes;
}

/// Private capacities are the last footprints before latency rises, 1.6 times from the nearest cache, 2 times from the
/// next. The shared one is found by streams: chases are so slow that others evict what they have read.
Levels find_levels(const Bench& bench, const Sampler& sampler) {
  Levels found;
  const auto curve = points(sampler, "latency_all");
  const std::vector<double> named = named_caches();
  found.l1 = confirmed(knee(curve, 1.6).value_or(32 * kKiB), named);
  const double next = nearest(sampler, "latency_all", 4 * found.l1).value;
  std::vector<Point> beyond;
  for (const Point& p : curve)
    if (p.x >= 4 * found.l1) beyond.push_back({p.x, std::max(p.y, next)});
  found.mid = confirmed(knee(beyond, 2).value_or(4 * found.l1), named);
  const auto stream = points(sampler, "read_all");
  const double shared = lowest(stream, 2 * found.mid, 8 * found.mid).value_or(0);
  const double dram = stream.empty() ? 0 : stream.back().y;
  const auto crossed = shared > 0 && dram > 1.15 * shared ? crossing(stream, shared, dram) : std::nullopt;
  found.shared = crossed ? *crossed * bench.team.size() : static_cast<double>(bench.context.last_cache_bytes);
  return found;
}

/// Bytes per cycle of one core while all read footprints of their own.
Spread bytes_per_cycle(const Bench& bench, const Sampler& s, double footprint) {
  return scaled(ratio(s.at("clock_vector"), nearest(s, "read_all", footprint)), 1.0 / bench.team.size());
}

void report_clock(const Sampler& s, SubstrateFile& file) {
  const Spread vector = inverse(s.at("clock_vector"), 1e-9), scalar = inverse(s.at("clock_scalar"), 1e-9);
  file.number("compute.clock", vector, "GHz",
              "all cores: chained multiplies beside vector multiply-adds on random data");
  Spread floor = vector;
  floor.value = floor.high = std::min(vector.low, scalar.low);
  floor.low = 0.8 * floor.value;
  file.number("compute.clock_floor", {floor.value, floor.low, floor.value, 0, 0, 0}, "GHz",
              "the slowest visit; 0.8 of it as the low end is a guess");
  file.number("power.zeros_gain", ratio(s.at("clock_vector"), s.at("clock_zeros")), "");
}

void report_compute(const Bench& bench, const Sampler& s, SubstrateFile& file) {
  const Spread cycle = s.at("clock_vector");
  const double lanes = bench.vectors.lanes;
  const Spread rate = scaled(ratio(cycle, s.at("fma_all", bench.team.size())), 2 * lanes);
  const Spread alone = scaled(ratio(cycle, s.at("fma")), 2 * lanes);
  const std::string note = std::string(bench.vectors.name) + " registers only, all cores at work; one alone reaches " +
                           yaml_number(alone.value) + " FLOP/cycle";
  file.number("compute.pipes.vector", rate, "FLOP/cycle", note);
  // Units come in whole vectors per cycle: one for threads that share a core, two for cores of their own.
  const double vectors = std::max(1.0, std::round(rate.value / (2 * lanes)));
  const double peak = 2 * lanes * vectors;
  file.fact("compute.pipes.tensor.fp32.dense", yaml_number(peak) + " FLOP/cycle", "measured",
            "whole vectors of the measured rate");
  Spread share = scaled(rate, 1 / peak);
  share.value = std::min(share.value, 1.0);
  share.high = std::min(share.high, 1.0);
  share.low = std::min(share.low, share.value);
  file.number("compute.pipes.tensor_sustained", share, "");
  file.number("compute.pipes.special", ratio(cycle, s.at("exponential")), "op/cycle",
              "range reduction and a polynomial of degree 5");
  Spread miss = s.at("branch_random");
  const Spread never = s.at("branch_never");
  miss = {2 * (miss.value - never.value),
          2 * (miss.low - never.high),
          2 * (miss.high - never.low),
          0,
          miss.samples,
          miss.visits};
  const Spread scalar = s.at("clock_scalar");
  file.number("compute.pipes.branch_miss", scaled(miss, 1 / scalar.value), "cycles",
              "half of the branches of a random bit are mispredicted");
}

/// Lines at a large power of two before loads miss. Where none do, addresses are spread over the sets: any line fits
/// anywhere.
void report_ways(const Sampler& s, const Levels& levels, SubstrateFile& file) {
  const double l1 = nearest(s, "latency", 8 * kKiB).value, mid = nearest(s, "latency", 4 * levels.l1).value;
  const double shared = nearest(s, "latency", 3 * levels.mid).value;
  const auto add = [&](const char* path, const char* curve, double threshold, double capacity, const char* stride) {
    const auto ways = knee(points(s, curve), threshold / l1);
    const double any = capacity / levels.line;
    file.number(path, {ways ? *ways : any, 0, 0, 0, 0, 0}, "",
                std::string(ways ? "lines at a stride of " : "no conflict of 32 lines at a stride of ") + stride);
  };
  add("memory.l1.ways", "conflict_lines", std::sqrt(l1 * mid), levels.l1, "4 KB");
  add("memory.mid.ways", "conflict_lines_far", std::sqrt(mid * shared), levels.mid, "128 KB");
}

void report_caches(const Bench& bench, const Sampler& s, const Levels& levels, SubstrateFile& file) {
  const Spread scalar = s.at("clock_scalar");
  const char* how = "knee of the latency curve, all cores at work";
  file.number("memory.l1.capacity", {levels.l1, 0, 0, 0, 0, 0}, "B", how);
  file.number("memory.l1.bandwidth", bytes_per_cycle(bench, s, levels.l1 / 2), "B/cycle");
  file.number("compute.pipes.operand_bandwidth", bytes_per_cycle(bench, s, levels.l1 / 2), "B/cycle",
              "loads that hit the first cache");
  file.number("memory.l1.latency", ratio(nearest(s, "latency", 8 * kKiB), scalar), "cycles");
  file.number("memory.mid.capacity", {levels.mid, 0, 0, 0, 0, 0}, "B", how);
  file.number("memory.mid.bandwidth", bytes_per_cycle(bench, s, levels.mid / 2), "B/cycle");
  file.number("memory.mid.latency", ratio(nearest(s, "latency", std::sqrt(levels.l1 * levels.mid)), scalar), "cycles");
  report_ways(s, levels, file);
  file.number("compute.pipes.gather", ratio(s.at("clock_vector"), nearest(s, "gather_all", 8 * kKiB)), "op/cycle");
}

void report_shared(const Bench& bench, const Sampler& s, const Levels& levels, SubstrateFile& file) {
  const double threads = bench.team.size();
  const double inside = std::min(4 * levels.mid, 0.5 * levels.shared / threads);  // of each core
  file.number("memory.l2.capacity", {levels.shared, 0.5 * levels.shared, levels.shared, 0, 0, 0}, "B",
              "where streams slow down to DRAM's rate; other tenants may take more of it");
  file.number("memory.l2.port", bytes_per_cycle(bench, s, inside), "B/cycle");
  file.number("memory.l2.bandwidth", inverse(nearest(s, "read_all", inside), 1e-9), "GB/s");
  const Spread near = nearest(s, "latency", 4 * levels.mid), far = nearest(s, "latency", 8 * levels.mid);
  const Spread dram = nearest(s, "latency", s.places("latency").back());
  const bool rises = far.value >= near.value;
  file.number("memory.l2.near_latency", scaled(rises ? near : far, 1e9), "ns");
  file.number("memory.l2.far_latency", scaled(rises ? far : near, 1e9), "ns", "of a larger share of the cache");
  file.fact("memory.l2.partitions", "1", "guessed", "cores reach all of it alike");
  file.number("memory.dram.latency", scaled(dram, 1e9), "ns");
  const auto spread = s.curve("latency", [](double, double seconds) { return seconds * 1e9; });
  file.number("memory.dram.latency_p95", {std::max(spread.back().p90, dram.value * 1e9), 0, 0, 0, 0, 0}, "ns",
              "90th percentile of samples");
}

void report_dram(const Bench& bench, const Sampler& s, const Levels& levels, SubstrateFile& file) {
  const double large = static_cast<double>(bench.largest_set);
  const double part = s.places("read_all").back();
  file.number("memory.dram.unit_bandwidth", inverse(s.at("read", large), 1e-9), "GB/s", "one core alone");
  const Spread achieved = inverse(s.at("read_all", part), 1e-9);
  file.number("memory.dram.achieved", achieved, "GB/s", "all cores");
  file.number("memory.dram.peak", {achieved.high, 0, 0, 0, 0, 0}, "GB/s",
              "the best visit: a guest does not see the data sheet");
  const Spread written = s.at("write_all", s.places("write_all").back()),
               past = s.at("write_past_all", s.places("write_past_all").back());
  file.number("memory.dram.written", inverse(written, 1e-9), "GB/s",
              "plain stores; past the caches " + yaml_number(1e-9 / past.value) + " GB/s");
  const double pages = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  file.fact("memory.dram.capacity", yaml_number(std::floor(pages / kMiB)) + " MiB", "spec", "as the system says");
  const Spread line = s.at("random_all", levels.line);
  file.number("memory.dram.random_rate", inverse(line, bench.team.size() * 1e-9), "G/s", "all cores");
  file.number("memory.bytes_in_flight", scaled(ratio(nearest(s, "latency", large), line), levels.line), "B",
              "idle latency over the time between random lines of a core while all work (Little's law)");
}

/// Bytes that a fill moves: up to there a random run from DRAM costs as much as one line.
double fill_granule(const Sampler& s) {
  const std::string curve = s.places("random_256mb").empty() ? "random_64mb" : "random_256mb";
  std::vector<Point> lines;
  for (const Point& p : points(s, curve))
    if (p.x >= 64) lines.push_back(p);
  return std::max(64.0, flat_until(lines, 0.25));
}

void report_dispatch(const Bench& bench, const Sampler& s, SubstrateFile& file) {
  const double threads = bench.team.size();
  file.fact("compute.units", yaml_number(threads), "spec", "cores that take part");
  if (!s.has("chunk_empty")) return file.missing("dispatch", "built without OpenMP");
  file.number("dispatch.rate", inverse(s.at("chunk_empty"), 1e-9), "G/s",
              "chunks of one of a dynamic OpenMP loop, empty body");
  const Spread dynamic = s.at("chunk_dynamic"), fixed = s.at("chunk_static");
  const double own = std::max(0.0, threads * (dynamic.value - fixed.value));
  file.number("dispatch.hand_over",
              scaled({own, std::max(0.0, threads * (dynamic.low - fixed.high)),
                      std::max(own, threads * (dynamic.high - fixed.low)), 0, dynamic.samples, dynamic.visits},
                     1e9),
              "ns", "dynamic less static chunks of 130 ns, per core");
  const Spread region = s.at("region", threads);
  file.number("dispatch.launch", scaled(region, 1e9), "ns", "an empty parallel region, threads spinning");
  file.number("dispatch.grid_start", scaled(region, 1e9), "ns", "an empty parallel region, threads spinning");
  file.number("dispatch.grid_sync", scaled(s.at("barrier"), 1e9), "ns", "barrier, threads spinning");
  Spread call;
  for (const std::string& library : dense_libraries()) {
    const Spread one = s.at("call_" + library);
    if (one.value > 0 && (call.value == 0 || one.value < call.value)) call = one;
  }
  if (call.value > 0)
    file.number("dispatch.graph_node", scaled(call, 1e9), "ns", "a library's product of 1x1x1, the quicker library's");
}

void report_granules(const Bench& bench, const Sampler& s, const Levels& levels, SubstrateFile& file) {
  const double large = static_cast<double>(bench.largest_set);
  const double fill = fill_granule(s);
  file.fact("memory.line", "64 B", "spec", "x86-64 processors since 2003; seen as the first step of random runs");
  file.fact("memory.sector", "64 B", "spec", "a line moves whole");
  file.number("memory.fill_granule", {fill, 64, std::max(fill, 128.0), 0, 0, 0}, "B",
              "random runs from DRAM cost within 25 % of one line up to here");
  const std::string curve = s.places("random_256mb").empty() ? "random_64mb" : "random_256mb";
  file.granule(
      {"cache line", levels.line, "B", scaled(s.at("read", large), levels.line), "streamed from DRAM, one core"});
  file.granule({"random line", fill, "B", s.at(curve, 64), "alone from DRAM, one core, as many in flight as it can"});
  if (s.has("chunk_empty"))
    file.granule({"dispatch", 1, "chunk", s.at("chunk_empty"), "dynamic OpenMP loop, empty body, all cores"});
  if (s.has("message", 64))
    file.granule({"interconnect", 64, "B", s.at("message", 64), "a line written by one core and seen by another"});
  file.granule({"branch", 1, "mispredicted branch",
                scaled({s.at("branch_random").value - s.at("branch_never").value, 0, 0, 0, 0, 0}, 2),
                "on random bits"});
  file.granule({"row of fixed length", 1, "loop of 4 turns", s.at("rows_fixed"), ""});
  file.granule({"row of random length", 1, "loop of 1 to 7 turns", s.at("rows_random"), ""});
  file.granule({"thread", 1, "thread", s.at("thread_start"), "started and joined"});
  for (const std::string& library : dense_libraries())
    if (s.has("call_" + library))
      file.granule({"call of " + library, 1, "call", s.at("call_" + library), "1x1x1, fp32"});
  file.granule({"call of eigen", 1, "call", s.at("call_eigen"), "1x1x1, fp32"});
  if (s.has("tile_rows", 16))
    file.granule(
        {"matrix tile", 16, "rows of bf16 by 16 columns, depth 32", s.at("tile_rows", 16), "AMX, in registers"});
}

}  // namespace

void report_curves(const Bench& bench, const Sampler& s, SubstrateFile& file);

void report(const Bench& bench, const Sampler& sampler, SubstrateFile& file) {
  const Levels levels = find_levels(bench, sampler);
  report_clock(sampler, file);
  report_compute(bench, sampler, file);
  report_caches(bench, sampler, levels, file);
  report_shared(bench, sampler, levels, file);
  report_dram(bench, sampler, levels, file);
  report_dispatch(bench, sampler, file);
  report_granules(bench, sampler, levels, file);
  report_curves(bench, sampler, file);
}

}  // namespace sparsesim::measure
