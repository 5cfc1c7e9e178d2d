#include "models/ops/cores/core.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "models/compute/domains.h"
#include "models/compute/player.h"
#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/op.h"

namespace sparsesim {
namespace {

const Kernel* cores_entry(const Substrate& substrate) {
  for (const Kernel& kernel : substrate.kernels)
    if (kernel.op == "cores") return &kernel;
  return nullptr;
}

double required(const Kernel& kernel, const std::string& name) {
  const auto found = kernel.constants.find(name);
  if (found == kernel.constants.end() || found->second.value <= 0)
    throw UnsupportedError(fmt::format("kernel {} lacks the constant {}", kernel.name, name));
  return found->second;
}

}  // namespace

bool on_cores(const Substrate& substrate) { return cores_entry(substrate) != nullptr; }

double constant_or(const Kernel& kernel, const std::string& name, double fallback) {
  const auto found = kernel.constants.find(name);
  return found == kernel.constants.end() ? fallback : found->second.value;
}

void refuse_constant(const Kernel& kernel, const std::string& name) {
  throw UnsupportedError(
      fmt::format("kernel {}: loops on cores know no constant {} (docs/models/cores.md)", kernel.name, name));
}

bool is_call_constant(const std::string& name) { return name == "start_us" || name == "dram_share"; }

Core core_of(const Substrate& substrate) {
  const Kernel* entry = cores_entry(substrate);
  if (!entry) throw UnsupportedError(substrate.name + " has no cores in its kernel library");
  Core core{substrate};
  core.vector_bytes = required(*entry, "vector_bytes");
  core.registers = required(*entry, "registers");
  core.multiply_latency = required(*entry, "multiply_latency");
  core.add_latency = constant_or(*entry, "add_latency", 0.75 * core.multiply_latency);
  core.issue = required(*entry, "issue");
  core.window = required(*entry, "window");
  core.overlap = required(*entry, "overlap");
  core.stream_overlap = required(*entry, "stream_overlap");
  core.scalar_loads = constant_or(*entry, "scalar_loads", 0);
  core.narrow_multiplies = constant_or(*entry, "narrow_multiplies", 0);
  core.line = substrate.memory.line;
  core.distance = mean_distance(substrate.memory, substrate.compute.units, false);
  core.own_distance = mean_distance(substrate.memory, substrate.compute.units, true);
  const Pipes& pipes = substrate.compute.pipes;
  core.loads_bytes = pipes.operand_bandwidth > 0 ? pipes.operand_bandwidth : substrate.memory.l1_bytes_per_cycle;
  return core;
}

double Core::lanes(const std::string& dtype) const { return std::max(1.0, vector_bytes / element_bytes(dtype)); }

double Core::multiplies(const std::string& dtype) const {
  const auto& tensor = substrate.compute.pipes.tensor;
  const auto rate = tensor.find(dtype);
  if (rate == tensor.end() && dtype != "fp32")
    throw UnsupportedError(fmt::format("{} has no multiply rate for {}", substrate.name, dtype));
  const double flops = rate == tensor.end() ? substrate.compute.pipes.vector.value : rate->second.dense.value;
  return flops / (2 * lanes(dtype));
}

double Core::multiplies(const std::string& dtype, double bytes) const {
  const bool narrow = bytes < vector_bytes && narrow_multiplies > 0;
  return narrow ? narrow_multiplies : multiplies(dtype);
}

double usable_bytes(double capacity, double ways, const Footprint& footprint, double line) {
  if (ways <= 0 || footprint.stride <= 0 || footprint.runs <= 1) return capacity;
  // Bytes after which addresses meet the same set. Pages lie where they may, so that a cache of large ways may show no
  // conflict at large strides; beneath a page's size its sets are met in the order of addresses all the same.
  constexpr double kPage = 4096;
  const double period = std::max(capacity / ways, kPage);
  const auto bytes = static_cast<std::int64_t>(std::llround(footprint.stride));
  std::int64_t a = bytes, b = std::max<std::int64_t>(1, std::llround(period));
  while (b != 0) a = std::exchange(b, a % b);
  const double apart = static_cast<double>(a);  // distance of neighbouring runs, modulo the period
  const double run = std::ceil(footprint.run_bytes / line) * line;
  return apart >= line ? capacity * std::min(1.0, run / apart) : capacity;
}

namespace {

/// Where reads hit if a cache with so much room for a footprint keeps hits(room / footprint) of it.
template <class Hits>
Residence residence_by(const Core& core, const Footprint& footprint, double beside, double cores, Hits&& hits) {
  const Memory& memory = core.substrate.memory;
  const double bytes = std::max(1.0, footprint.bytes());
  const auto kept = [&](double capacity, double ways, double passing) {
    // What passes takes its share of every set; but half of a cache stays, for it is evicted by its own followers.
    const double room = usable_bytes(capacity, ways, footprint, core.line) * (1 - std::min(passing / capacity, 0.5));
    return std::clamp(hits(room / bytes), 0.0, 1.0);
  };
  Residence where;
  where.l1 = kept(memory.l1_bytes, memory.l1_ways, beside);
  const double mid = memory.mid_bytes > 0 ? kept(memory.mid_bytes, memory.mid_ways, beside) : 0;
  where.mid = std::max(0.0, mid - where.l1);
  const double above = where.l1 + where.mid;
  where.shared = std::max(0.0, kept(memory.l2_bytes, 0, beside * cores) - above);
  where.dram = 1 - above - where.shared;
  return where;
}

}  // namespace

namespace {

/// Hits of reads in the same order every time in a cache with room for such a share of them.
double hits_in_turn(double room) { return room > 0 ? std::clamp(4 - 3 / room, 0.0, 1.0) : 0; }

/// Hits where each round reads `share` of the footprint, in order: a line that was left out by g - 1 rounds comes after
/// the share 1 - (1 - share)^g of the footprint.
double hits_by_rounds(double room, double share) {
  if (room >= 1 || share <= 0) return room;
  const double rest = 1 - std::min(share, 1.0);
  const double gap = rest > 0 ? std::floor(std::log1p(-room) / std::log(rest)) : 0;
  const double left_out = std::pow(rest, gap);  // share of the reads whose gap is longer
  const double next = left_out * (1 - rest);    // of those whose gap is the shortest of the too long ones
  return 1 - left_out + next * hits_in_turn((room - (1 - left_out)) / next);
}

}  // namespace

Residence residence(const Core& core, const Footprint& footprint, double beside, double cores, double share) {
  return residence_by(core, footprint, beside, cores, [&](double room) { return hits_by_rounds(room, share); });
}

Residence residence_in_turn(const Core& core, const Footprint& footprint, double beside, double cores) {
  return residence_by(core, footprint, beside, cores, hits_in_turn);
}

double far_cycles(const Core& core, const Residence& where, double bytes) {
  return load_cycles(core, where, bytes) - bytes * where.l1 / core.loads_bytes;
}

double load_cycles(const Core& core, const Residence& where, double bytes) {
  const Memory& memory = core.substrate.memory;
  const double near = core.loads_bytes;
  const double mid = memory.mid_bytes_per_cycle > 0 ? memory.mid_bytes_per_cycle.value : near;
  const double far = memory.l2_port > 0 ? memory.l2_port.value : mid;
  return bytes * (where.l1 / near + where.mid / mid + (where.shared + where.dram) / far);
}

double waiting_cycles(const Core& core, double runs, double lines, double line_issue) {
  const Memory& memory = core.substrate.memory;
  const double kept = memory.bytes_in_flight_per_unit / core.line;
  const double in_flight = std::max(1.0, line_issue > 0 ? std::min(kept, core.window / line_issue) : kept);
  const double first = core.distance * memory.dram_latency / in_flight;
  const double next = memory.dram_next_line > 0 ? std::min(first, memory.dram_next_line.value) : first;
  return runs * (first + std::max(0.0, lines - 1) * next) * core.substrate.compute.clock;
}

double arrival_seconds(const Core& core, double bytes, double distance) {
  const Memory& memory = core.substrate.memory;
  return bytes / (memory.dram_unit > 0 ? memory.dram_unit : memory.dram_achieved) * distance;
}

namespace {

constexpr std::array kWorkFields = {&CoreWork::apart_cycles,   &CoreWork::multiply_cycles, &CoreWork::load_cycles,
                                    &CoreWork::issue_cycles,   &CoreWork::chain_cycles,    &CoreWork::serial_cycles,
                                    &CoreWork::special_cycles, &CoreWork::cold_bytes,      &CoreWork::shared_bytes,
                                    &CoreWork::common_bytes,   &CoreWork::result_bytes,    &CoreWork::waste_bytes,
                                    &CoreWork::waited_bytes,   &CoreWork::useful_macs,     &CoreWork::issued_macs};

}  // namespace

CoreWork& CoreWork::operator+=(const CoreWork& other) {
  for (const auto field : kWorkFields) this->*field += other.*field;
  return *this;
}

double busy_cycles(const CoreWork& work, const Core& core) {
  const std::array parts = {work.multiply_cycles, work.load_cycles, work.issue_cycles, work.chain_cycles};
  const double longest = *std::max_element(parts.begin(), parts.end());
  double sum = longest > 0 ? 0 : 1;
  for (const double part : parts) sum += longest > 0 ? std::pow(part / longest, core.overlap) : 0;
  return longest * std::pow(sum, 1 / core.overlap) + work.serial_cycles + work.special_cycles;
}

CoreWork operator*(double share, const CoreWork& work) {
  CoreWork part;
  for (const auto field : kWorkFields) part.*field = share * (work.*field);
  return part;
}

namespace {

// Enough for loads and multiplies to overlap but for a 64th.
constexpr int kSteps = 64;

/// Bytes of DRAM reads that take as long as writing so many: with the line fetched before its first byte is written.
double written_as_read(const Memory& memory, double bytes) {
  return memory.dram_written > 0 ? bytes * memory.dram_achieved / memory.dram_written : 2 * bytes;
}

/// Cycles that a loop of which streams run beside a share takes with them beyond the longer of the two: the norm of
/// what runs side by side (docs/models/cores.md, stream_overlap), and the rest of the loop.
double unhidden_cycles(double loop, double beside, double stream, double overlap) {
  const double part = beside * loop, longer = std::max(part, stream), shorter = std::min(part, stream);
  if (longer <= 0) return 0;
  const double together = longer * std::pow(1 + std::pow(shorter / longer, overlap), 1 / overlap);
  return together + loop - part - std::max(loop, stream);
}

/// Cycles in which one core alone draws its lines from memory, so far away, and from the shared cache.
double stream_cycles(const Core& core, double dram_bytes, double distance, double shared_bytes) {
  const Memory& memory = core.substrate.memory;
  const double from_dram = arrival_seconds(core, dram_bytes, distance) * core.substrate.compute.clock;
  return std::max(from_dram, memory.l2_port > 0 ? (dram_bytes + shared_bytes) / memory.l2_port : 0);
}

TaskShape shape_of(const CoreWork& work, const Core& core, bool dynamic) {
  TaskShape shape;
  shape.steps = shape.stages = kSteps;
  auto& cycles = shape.cycles_per_step;
  cycles[static_cast<int>(Pipe::tensor)] = work.multiply_cycles / kSteps;
  cycles[static_cast<int>(Pipe::vector)] = busy_cycles(work, core) / kSteps;
  cycles[static_cast<int>(Pipe::special)] = work.special_cycles / kSteps;
  const double dram = work.cold_bytes + written_as_read(core.substrate.memory, work.result_bytes);
  const double all = dram + work.waste_bytes, own = all > 0 ? 1 - std::min(1.0, work.common_bytes / all) : 0;
  const double distance = core.distance + (dynamic ? 0 : own * (core.own_distance - core.distance));
  const double stream = stream_cycles(core, all - work.waited_bytes, distance, work.shared_bytes);
  const double beside = work.multiply_cycles > 0 ? 1 - work.apart_cycles / work.multiply_cycles : 1;
  shape.prologue_cycles = unhidden_cycles(busy_cycles(work, core), beside, stream, core.stream_overlap);
  shape.streams.push_back({dram / kSteps, all / kSteps, false, 1, false, own});
  shape.streams.push_back({work.shared_bytes / kSteps, work.shared_bytes / kSteps, true, 1, true});
  shape.useful_macs = work.useful_macs;
  shape.issued_macs = work.issued_macs;
  return shape;
}

}  // namespace

void add_first_read(CoreWork& work, double bytes, double tasks, const Core& core) {
  const double sharers = std::min(tasks, core.cores());
  const double from_dram = bytes <= core.substrate.memory.l2_bytes ? std::min(sharers, core.sockets()) : sharers;
  work.cold_bytes += bytes * from_dram / tasks;
  work.common_bytes += bytes * from_dram / tasks;
  work.shared_bytes += bytes * (sharers - from_dram) / tasks;
}

double call_seconds(const Kernel& kernel, const Substrate& substrate) {
  const auto start = kernel.constants.find("start_us");
  if (start == kernel.constants.end()) return substrate.dispatch.graph_node;
  const bool in_seconds = start->second.dimension == config::Dimension::time;
  return start->second.value * (in_seconds ? 1 : 1e-6);
}

Launch core_launch(const std::string& name, const Kernel& kernel, const std::string& dtype,
                   const std::vector<CoreWork>& tasks, bool dynamic, const Substrate& substrate) {
  Launch launch;
  launch.name = name;
  launch.kernel = kernel.name;
  launch.dtype = dtype;
  launch.persistent = launch.fixed_shares = !dynamic;
  launch.dram_share = constant_or(kernel, "dram_share", 1);
  launch.fixed_seconds = call_seconds(kernel, substrate);
  if (substrate.compute.units > 1) launch.fixed_seconds += substrate.dispatch.grid_start;
  const Core core = core_of(substrate);
  const CoreWork* last = nullptr;
  for (const CoreWork& work : tasks) {
    if (!last || !(*last == work)) launch.shapes.push_back(shape_of(work, core, dynamic));
    last = &work;
    Task task;
    task.shape = static_cast<std::uint32_t>(launch.shapes.size() - 1);
    launch.tasks.push_back(task);
  }
  return launch;
}

std::vector<const Kernel*> core_kernels(const Substrate& substrate, const std::string& op, const std::string& pattern,
                                        const std::string& dtype, const std::string& name) {
  std::vector<const Kernel*> named, any;
  for (const Kernel& kernel : substrate.kernels) {
    if (kernel.op != op || !takes(kernel, pattern, dtype)) continue;
    if (kernel.quality != "naive") any.push_back(&kernel);
    if (!name.empty() && kernel.name.starts_with(name)) named.push_back(&kernel);
  }
  if (!named.empty()) return named;
  if (any.empty())
    throw UnsupportedError(
        fmt::format("no kernel for {} {} in {} on the cores of {}", pattern, op, dtype, substrate.name));
  return any;
}

Launch fastest_launch(std::vector<Launch> launches, const Substrate& substrate, const Ideal& ideal) {
  if (launches.size() == 1) return std::move(launches.front());
  std::size_t best = 0;
  for (Time least; const Launch& launch : launches) {
    const Time time = play(launch, substrate, ideal).time;
    if (least.ps > 0 && time >= least) continue;
    least = time;
    best = static_cast<std::size_t>(&launch - launches.data());
  }
  return std::move(launches.at(best));
}

}  // namespace sparsesim
