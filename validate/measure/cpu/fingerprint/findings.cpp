#include "validate/measure/cpu/fingerprint/findings.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "validate/measure/cpu/bytes.h"
#include "validate/measure/cpu/fingerprint/levels.h"

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

/// Rates of matrix tiles of 16 x 16 results and 64 bytes of depth, and the shortest tile product.
void report_tiles(const Sampler& s, double sustained, SubstrateFile& file) {
  const Spread cycle = s.at("clock_vector");
  const auto add = [&](const char* path, const char* curve, double depth) {
    if (!s.has(curve, 16)) return;
    file.number(path, scaled(ratio(cycle, s.at(curve, 16)), 2 * 16 * 16 * depth / sustained), "FLOP/cycle",
                "tile products in registers, over tensor_sustained");
  };
  add("compute.pipes.tensor.bf16.dense", "tile_rows", 32);
  add("compute.pipes.tensor.int8.dense", "tile_rows_int8", 64);
  if (s.has("tile_rows", 1))
    file.number("compute.pipes.instruction_floor", ratio(s.at("tile_rows", 1), cycle), "cycles", "a tile of one row");
}

/// What loops on cores do in one cycle beside whole vectors: docs/models/cores.md.
void report_ports(const Bench& bench, const Sampler& s, SubstrateFile& file) {
  const Spread cycle = s.at("clock_vector");
  // Loops sustain so much of the width: measured on Zen 3, 4.5 of 6 (substrates/kernels/x86-avx2/cores.yaml).
  constexpr double kSustained = 0.75;
  const Spread width = ratio(cycle, s.at("instruction"));
  file.kernel_constant("cores", "issue", scaled(width, kSustained), "",
                       "0.75 of a width of " + yaml_number(width.value) + ", as of Zen 3's");
  file.kernel_constant("cores", "add_latency", ratio(s.at("addition"), cycle), "", "cycles of a chained addition");
  file.kernel_constant("cores", "scalar_loads", ratio(cycle, s.at("scalar_load")), "", "loads of 4 B a cycle");
  if (s.has("fma_half"))
    file.kernel_constant("cores", "narrow_multiplies", ratio(cycle, s.at("fma_half")), "",
                         "multiply-adds a cycle on AVX2 registers");
  const auto add_dots = [&](const char* curve, const char* dtype, double products, const char* instruction) {
    if (!s.has(curve)) return;
    file.number(std::string("compute.pipes.tensor.") + dtype + ".dense",
                scaled(ratio(cycle, s.at(curve)), 2 * products * bench.vectors.lanes), "FLOP/cycle", instruction);
  };
  if (bench.context.amx_bf16) return;  // tiles are quicker
  add_dots("dot_bf16", "bf16", 2, "sums of pairs of products, VDPBF16PS");
  add_dots("dot_int8", "int8", 4, "sums of four products, VPDPBUSD");
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
  report_tiles(s, share.value, file);
  report_ports(bench, s, file);
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
              "where streams slow down to DRAM's rate; half of it as the low end is a guess: other tenants evict it");
  file.number("memory.l2.port", bytes_per_cycle(bench, s, inside), "B/cycle");
  file.number("memory.l2.bandwidth", inverse(nearest(s, "read_all", inside), 1e-9), "GB/s");
  // Laps of a chase must be short: on a shared machine others evict within a millisecond what it has read.
  Spread hit = nearest(s, "latency", 4 * levels.mid);
  const Spread dram = nearest(s, "latency", s.places("latency").back());
  if (hit.value > dram.value) hit = dram;
  file.number("memory.l2.near_latency", scaled(hit, 1e9), "ns");
  file.number("memory.l2.far_latency", scaled(hit, 1e9), "ns", "as near: slices are not told apart");
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
  const Spread four = s.at("random_all", 4 * levels.line);
  file.number(
      "memory.dram.next_line",
      scaled({four.value - line.value, four.low - line.high, four.high - line.low, 0, four.samples, four.visits},
             1e9 / 3),
      "ns", "runs of four lines less runs of one, at random places, all cores");
  // Gathered elements know their addresses at once: of a large table, they are as many lines as a core keeps under way.
  const Spread gathered = nearest(s, "gather", large), densest = gathered.value < line.value ? gathered : line;
  file.number("memory.bytes_in_flight", scaled(ratio(nearest(s, "latency", large), densest), levels.line), "B",
              "idle latency over the time between random lines, gathered by one core or read by all (Little's law)");
}

}  // namespace

void report(const Bench& bench, const Sampler& sampler, SubstrateFile& file) {
  const Levels levels = find_levels(bench, sampler);
  report_clock(sampler, file);
  report_compute(bench, sampler, file);
  report_caches(bench, sampler, levels, file);
  report_shared(bench, sampler, levels, file);
  report_dram(bench, sampler, levels, file);
  report_dispatch(bench, sampler, file);
  report_overlap(sampler, file);
  report_granules(bench, sampler, file);
  report_curves(bench, sampler, file);
}

}  // namespace sparsesim::measure
