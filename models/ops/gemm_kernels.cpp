#include "models/ops/gemm_kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "models/ops/op.h"

namespace sparsesim {
namespace {

using Member = double GemmConstants::*;
constexpr std::array<std::pair<const char*, Member>, 13> kConstants = {{
    {"prologue_cycles", &GemmConstants::prologue_cycles},
    {"epilogue_cycles", &GemmConstants::epilogue_cycles},
    {"epilogue_bytes_per_cycle", &GemmConstants::epilogue_bytes_per_cycle},
    {"step_overhead_cycles", &GemmConstants::step_overhead_cycles},
    {"activation_reads", &GemmConstants::activation_reads},
    {"weight_reads", &GemmConstants::weight_reads},
    {"activation_multicast", &GemmConstants::activation_multicast},
    {"weight_multicast", &GemmConstants::weight_multicast},
    {"raster_group", &GemmConstants::raster_group},
    {"dram_share", &GemmConstants::dram_share},
    {"split_most", &GemmConstants::split_most},
    {"split_start_us", &GemmConstants::split_start_us},
    {"start_us", &GemmConstants::start_us},
}};

void read_into(GemmConstants& constants, const Kernel& kernel) {
  for (const auto& [name, value] : kernel.constants) {
    const auto* row =
        std::find_if(kConstants.begin(), kConstants.end(), [&](const auto& r) { return name == r.first; });
    if (row == kConstants.end())
      throw UnsupportedError("kernel " + kernel.name + ": gemm knows no constant " + name + " (docs/models/gemm.md)");
    constants.*(row->second) = value;
  }
}

GemmConstants constants_of(const Kernel& kernel, const Substrate& substrate) {
  GemmConstants constants;
  for (const Kernel& common : substrate.kernels)
    if (common.op == "gemm_common") read_into(constants, common);
  read_into(constants, kernel);
  return constants;
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

bool runs(const Kernel& kernel, const std::string& dtype) {
  const auto has = [](const std::vector<std::string>& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  return kernel.op == "gemm" && has(kernel.dtypes, dtype) && has(kernel.patterns, "dense");
}

// The tensor pipe and the scratchpad port that feeds it work at once: the slower one sets the pace.
double step_cycles(const Kernel& kernel, const GemmConstants& constants, const GemmSize& size,
                   const Substrate& substrate) {
  const Pipes& pipes = substrate.compute.pipes;
  const double macs = static_cast<double>(kernel.tile_m) * kernel.tile_n * kernel.tile_k;
  const double tensor = 2 * macs / (pipes.tensor.at(size.dtype).dense * pipes.tensor_sustained);
  const double bytes = (kernel.tile_m * constants.activation_reads + kernel.tile_n * constants.weight_reads) *
                       kernel.tile_k * element_bytes(size.dtype);
  // Where the matrix unit reads registers, they were loaded from the scratchpad through its banks.
  const double banks = substrate.compute.scratchpad_banks * substrate.compute.scratchpad_bank_bytes;
  const double port = pipes.operand_bandwidth > 0 ? pipes.operand_bandwidth.value : banks;
  const double operands = port > 0 ? bytes / port : 0;
  return std::max(tensor, operands) + constants.step_overhead_cycles;
}

double epilogue_total_cycles(const Kernel& kernel, const GemmConstants& constants, double bytes_per_result) {
  return constants.epilogue_cycles +
         static_cast<double>(kernel.tile_m) * kernel.tile_n * bytes_per_result / constants.epilogue_bytes_per_cycle;
}

// What the library reckons: the busiest unit's pipe, or the memory, or the loads in flight; plus what does not overlap.
double estimate(const GemmSize& size, const GemmPlan& plan, const Substrate& substrate) {
  const Kernel& kernel = *plan.kernel;
  const Memory& memory = substrate.memory;
  const double bytes = element_bytes(size.dtype), clock = substrate.compute.clock;
  const double units = substrate.compute.units;
  const double tasks = static_cast<double>(plan.tiles_m * plan.tiles_n) * plan.splits;
  const double loop = plan.steps * plan.cycles_per_step / clock;
  const double step_bytes = (kernel.tile_m + kernel.tile_n) * kernel.tile_k * bytes;
  const double waves = std::ceil(tasks / (units * kernel.tasks_per_unit));
  const double compute = std::ceil(tasks / units) * loop;
  const double m = static_cast<double>(size.m), n = static_cast<double>(size.n), k = static_cast<double>(size.k);
  const double dram = (m * k + k * n + m * n) * bytes / (memory.dram_achieved * plan.constants.dram_share);
  const double l2_step_bytes =
      (kernel.tile_m / plan.constants.activation_multicast + kernel.tile_n / plan.constants.weight_multicast) *
      kernel.tile_k * bytes;
  const double l2 = tasks * plan.steps * l2_step_bytes / memory.l2_bandwidth;
  const double flight = waves * plan.steps * memory.dram_latency / kernel.stages;
  const double port =
      memory.l2_port > 0 ? std::ceil(tasks / units) * plan.steps * step_bytes / (memory.l2_port * clock) : 0;
  const double edges = plan.constants.prologue_cycles + epilogue_total_cycles(kernel, plan.constants, bytes);
  const double overlap = kernel.persistent ? 1 : waves;
  double seconds = std::max({compute, dram, l2, flight, port}) + overlap * (edges / clock) + memory.dram_latency;
  if (plan.splits > 1) {
    const double partial = 2 * 4 * m * n * plan.splits / memory.l2_bandwidth;
    seconds += partial + plan.constants.split_start_us * 1e-6;
  }
  return seconds;
}

std::vector<int> splits_to_try(std::int64_t steps, const GemmConstants& constants) {
  std::vector<int> splits = {1};
  for (int s : {2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64})
    if (s <= constants.split_most && steps / s >= 2) splits.push_back(s);
  return splits;
}

}  // namespace

double element_bytes(const std::string& dtype) {
  if (dtype == "fp32" || dtype == "tf32") return 4;
  if (dtype == "fp16" || dtype == "bf16") return 2;
  if (dtype == "fp8" || dtype == "int8") return 1;
  if (dtype == "int4" || dtype == "fp4") return 0.5;
  throw UnsupportedError("unknown operand type " + dtype);
}

std::vector<GemmPlan> plan_gemm(const GemmSize& size, const Substrate& substrate, const Ideal&) {
  std::vector<GemmPlan> plans;
  for (const Kernel& kernel : substrate.kernels) {
    if (!runs(kernel, size.dtype) || substrate.compute.pipes.tensor.count(size.dtype) == 0) continue;
    GemmPlan plan;
    plan.kernel = &kernel;
    plan.constants = constants_of(kernel, substrate);
    plan.tiles_m = ceil_div(size.m, kernel.tile_m);
    plan.tiles_n = ceil_div(size.n, kernel.tile_n);
    plan.cycles_per_step = step_cycles(kernel, plan.constants, size, substrate);
    const std::int64_t steps = ceil_div(size.k, kernel.tile_k);
    for (int splits : splits_to_try(steps, plan.constants)) {
      plan.splits = splits;
      plan.steps = static_cast<int>(ceil_div(steps, splits));
      plan.estimated_seconds = estimate(size, plan, substrate);
      plans.push_back(plan);
    }
  }
  if (plans.empty())
    throw UnsupportedError("no gemm kernel for " + size.dtype + " in the kernel library of " + substrate.name);
  std::stable_sort(plans.begin(), plans.end(),
                   [](const GemmPlan& a, const GemmPlan& b) { return a.estimated_seconds < b.estimated_seconds; });
  return plans;
}

namespace {

// A tile at the edge reads and stores only what is there, but multiplies in full.
struct Extent {
  double rows, columns;
};

TaskShape tile_shape(const GemmSize& size, const GemmPlan& plan, int steps, Extent extent, const Ideal& ideal) {
  const Kernel& kernel = *plan.kernel;
  const double bytes = element_bytes(size.dtype);
  const double depth = kernel.tile_k;
  TaskShape shape;
  shape.steps = steps;
  shape.stages = kernel.stages;
  shape.streams = {
      {extent.rows * depth * bytes, extent.rows * depth * bytes, true, 1 / plan.constants.activation_multicast},
      {extent.columns * depth * bytes, extent.columns * depth * bytes, true, 1 / plan.constants.weight_multicast}};
  shape.prologue_cycles = plan.constants.prologue_cycles;
  const double result_bytes = plan.splits > 1 ? 4 : bytes;
  shape.epilogue_cycles = epilogue_total_cycles(kernel, plan.constants, result_bytes);
  const double results = extent.rows * extent.columns;
  shape.scratch_bytes = plan.splits > 1 ? results * 4 : 0;
  shape.store_bytes = results * bytes / plan.splits;
  shape.useful_macs = results * depth * steps;
  shape.issued_macs = static_cast<double>(kernel.tile_m) * kernel.tile_n * depth * steps;
  double share = 1;
  if (ideal.padding) {
    share = shape.useful_macs / shape.issued_macs;
    shape.issued_macs = shape.useful_macs;
  }
  shape.cycles_per_step[static_cast<int>(Pipe::tensor)] = plan.cycles_per_step * share;
  return shape;
}

}  // namespace

Launch build_gemm(const GemmSize& size, const GemmPlan& plan, const Substrate& substrate, const Ideal& ideal) {
  const Kernel& kernel = *plan.kernel;
  Launch launch;
  launch.name = "gemm";
  launch.kernel = kernel.name;
  launch.dtype = size.dtype;
  launch.tasks_per_unit = kernel.tasks_per_unit;
  launch.persistent = kernel.persistent;
  launch.dram_share = plan.constants.dram_share;
  launch.fixed_seconds = substrate.dispatch.graph_node + substrate.dispatch.grid_start + plan.constants.start_us * 1e-6;
  if (plan.splits > 1) launch.fixed_seconds += plan.constants.split_start_us * 1e-6;

  // Shapes: inner or edge in m, inner or edge in n, long or short split.
  const std::int64_t all_steps = ceil_div(size.k, kernel.tile_k);
  const std::int64_t short_steps = all_steps / plan.splits, longer = all_steps % plan.splits;
  const double edge_m = static_cast<double>(size.m - (plan.tiles_m - 1) * kernel.tile_m);
  const double edge_n = static_cast<double>(size.n - (plan.tiles_n - 1) * kernel.tile_n);
  for (int id = 0; id < 8; ++id) {
    const Extent extent{id & 1 ? edge_m : static_cast<double>(std::min<std::int64_t>(kernel.tile_m, size.m)),
                        id & 2 ? edge_n : static_cast<double>(std::min<std::int64_t>(kernel.tile_n, size.n))};
    launch.shapes.push_back(tile_shape(size, plan, static_cast<int>(short_steps + (id & 4 ? 1 : 0)), extent, ideal));
  }
  launch.tasks.reserve(static_cast<std::size_t>(plan.tiles_m * plan.tiles_n * plan.splits));
  const auto panels_m = static_cast<std::uint32_t>(plan.tiles_m);
  const auto group = static_cast<std::int64_t>(plan.constants.raster_group);
  for (int split = 0; split < plan.splits; ++split) {
    const bool is_long = split < longer;
    const auto first = static_cast<std::uint32_t>(split * short_steps + std::min<std::int64_t>(split, longer));
    for (std::int64_t group_m = 0; group_m < plan.tiles_m; group_m += group) {
      for (std::int64_t tile_n = 0; tile_n < plan.tiles_n; ++tile_n) {
        for (std::int64_t tile_m = group_m; tile_m < std::min(group_m + group, plan.tiles_m); ++tile_m) {
          Task task;
          task.shape =
              (tile_m + 1 == plan.tiles_m ? 1u : 0u) | (tile_n + 1 == plan.tiles_n ? 2u : 0u) | (is_long ? 4u : 0u);
          task.panel = {static_cast<std::uint32_t>(tile_m), panels_m + static_cast<std::uint32_t>(tile_n), 0};
          task.first_slice = first;
          launch.tasks.push_back(task);
        }
      }
    }
  }
  return launch;
}

}  // namespace sparsesim
