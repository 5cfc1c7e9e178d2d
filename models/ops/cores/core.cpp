#include "models/ops/cores/core.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

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

Core core_of(const Substrate& substrate) {
  const Kernel* entry = cores_entry(substrate);
  if (!entry) throw UnsupportedError(substrate.name + " has no cores in its kernel library");
  Core core{substrate};
  core.vector_bytes = required(*entry, "vector_bytes");
  core.registers = required(*entry, "registers");
  core.multiply_latency = required(*entry, "multiply_latency");
  core.issue = required(*entry, "issue");

  core.line = substrate.memory.line;
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

double usable_bytes(double capacity, double ways, const Footprint& footprint, double line) {
  if (ways <= 0 || footprint.stride <= 0 || footprint.runs <= 1) return capacity;
  const double period = capacity / ways;  // bytes after which addresses meet the same set
  const auto bytes = static_cast<std::int64_t>(std::llround(footprint.stride));
  std::int64_t a = bytes, b = std::max<std::int64_t>(1, std::llround(period));
  while (b != 0) a = std::exchange(b, a % b);
  const double apart = static_cast<double>(a);  // distance of neighbouring runs, modulo the period
  const double run = std::ceil(footprint.run_bytes / line) * line;
  return apart >= line ? capacity * std::min(1.0, run / apart) : capacity;
}

Residence residence(const Core& core, const Footprint& footprint, double beside, double threads) {
  const Memory& memory = core.substrate.memory;
  const double bytes = std::max(1.0, footprint.bytes());
  const auto kept = [&](double capacity, double ways, double passing) {
    const double room = std::min(usable_bytes(capacity, ways, footprint, core.line), capacity - passing);
    return std::clamp(room / bytes, 0.0, 1.0);
  };
  Residence where;
  where.l1 = kept(memory.l1_bytes, memory.l1_ways, std::min(beside, memory.l1_bytes / 2));
  const double mid =
      memory.mid_bytes > 0 ? kept(memory.mid_bytes, memory.mid_ways, std::min(beside, memory.mid_bytes / 2)) : 0;
  where.mid = std::max(0.0, mid - where.l1);
  const double above = where.l1 + where.mid;
  const double shared = kept(memory.l2_bytes, 0, std::min(beside * threads, memory.l2_bytes / 2));
  where.shared = std::max(0.0, shared - above);
  where.dram = 1 - above - where.shared;
  return where;
}

double load_cycles(const Core& core, const Residence& where, double bytes) {
  const Memory& memory = core.substrate.memory;
  const double near = core.loads_bytes;
  const double mid = memory.mid_bytes_per_cycle > 0 ? memory.mid_bytes_per_cycle.value : near;
  const double far = memory.l2_port > 0 ? memory.l2_port.value : mid;
  return bytes * (where.l1 / near + where.mid / mid + (where.shared + where.dram) / far);
}

namespace {

constexpr std::array kWorkFields = {&CoreWork::multiply_cycles, &CoreWork::load_cycles,    &CoreWork::issue_cycles,
                                    &CoreWork::serial_cycles,   &CoreWork::special_cycles, &CoreWork::cold_bytes,
                                    &CoreWork::first_bytes,     &CoreWork::shared_bytes,   &CoreWork::result_bytes,
                                    &CoreWork::waste_bytes,     &CoreWork::useful_macs,    &CoreWork::issued_macs};

}  // namespace

CoreWork& CoreWork::operator+=(const CoreWork& other) {
  for (const auto field : kWorkFields) this->*field += other.*field;
  return *this;
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

TaskShape shape_of(const CoreWork& work, double threads, const Substrate& substrate) {
  const Memory& memory = substrate.memory;
  TaskShape shape;
  shape.steps = shape.stages = kSteps;
  const double beside = std::max({work.multiply_cycles, work.load_cycles, work.issue_cycles});
  auto& cycles = shape.cycles_per_step;
  cycles[static_cast<int>(Pipe::tensor)] = work.multiply_cycles / kSteps;
  cycles[static_cast<int>(Pipe::vector)] = (beside + work.serial_cycles + work.special_cycles) / kSteps;
  cycles[static_cast<int>(Pipe::special)] = work.special_cycles / kSteps;
  // What several threads read first comes from DRAM once, in equal parts, if the shared cache holds it.
  const double once = work.first_bytes <= memory.l2_bytes ? work.first_bytes / threads : work.first_bytes;
  const double dram = work.cold_bytes + once + written_as_read(memory, work.result_bytes);
  const double again = work.shared_bytes + work.first_bytes - once;
  shape.streams.push_back({dram / kSteps, (dram + work.waste_bytes) / kSteps, false});
  shape.streams.push_back({again / kSteps, again / kSteps, true, true});
  shape.useful_macs = work.useful_macs;
  shape.issued_macs = work.issued_macs;
  return shape;
}

}  // namespace

Launch core_launch(const std::string& name, const Kernel& kernel, const std::string& dtype,
                   const std::vector<CorePhase>& phases, const Substrate& substrate) {
  Launch launch;
  launch.name = name;
  launch.kernel = kernel.name;
  launch.dtype = dtype;
  launch.persistent = true;
  launch.dram_share = constant_or(kernel, "dram_share", 1);
  launch.fixed_seconds = substrate.dispatch.launch + constant_or(kernel, "start_us", 0) * 1e-6;
  if (substrate.compute.units > 1) launch.fixed_seconds += substrate.dispatch.grid_start;
  for (const CorePhase& phase : phases) {
    const CoreWork* last = nullptr;
    for (const CoreWork& work : phase) {
      if (!last || !(*last == work))
        launch.shapes.push_back(shape_of(work, static_cast<double>(phase.size()), substrate));
      last = &work;
      Task task;
      task.shape = static_cast<std::uint32_t>(launch.shapes.size() - 1);
      launch.tasks.push_back(task);
    }
  }
  return launch;
}

CorePhase even_phase(const CoreWork& all, const Substrate& substrate) {
  const auto threads = static_cast<std::size_t>(std::max(1, static_cast<int>(substrate.compute.units)));
  CoreWork part = (1.0 / static_cast<double>(threads)) * all;
  part.first_bytes = all.first_bytes;
  return CorePhase(threads, part);
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
