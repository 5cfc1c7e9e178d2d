#include "models/ops/dense/gemm_kernels.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "models/ops/limits.h"
#include "models/ops/op.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

using Member = double GemmConstants::*;
constexpr std::array<std::pair<std::string_view, Member>, 24> kConstants = {{
    {"prologue_cycles", &GemmConstants::prologue_cycles},
    {"epilogue_cycles", &GemmConstants::epilogue_cycles},
    {"epilogue_bytes_per_cycle", &GemmConstants::epilogue_bytes_per_cycle},
    {"l2_store_share", &GemmConstants::l2_store_share},
    {"step_overhead_cycles", &GemmConstants::step_overhead_cycles},
    {"activation_reads", &GemmConstants::activation_reads},
    {"weight_reads", &GemmConstants::weight_reads},
    {"cluster", &GemmConstants::cluster},
    {"raster_group", &GemmConstants::raster_group},
    {"dram_share", &GemmConstants::dram_share},
    {"slow_start_us", &GemmConstants::slow_start_us},
    {"slow_start_share", &GemmConstants::slow_start_share},
    {"split_most", &GemmConstants::split_most},
    {"split_least_steps", &GemmConstants::split_least_steps},
    {"split_start_us", &GemmConstants::split_start_us},
    {"start_us", &GemmConstants::start_us},
    {"whole_waves_from_k", &GemmConstants::whole_waves_from_k},
    {"main_loop_choice", &GemmConstants::main_loop_choice},
    {"compiled", &GemmConstants::compiled},
    {"most_rows", &GemmConstants::most_rows},
    {"vector", &GemmConstants::vector},
    {"decode_cycles", &GemmConstants::decode_cycles},
    {"step_decode_cycles", &GemmConstants::step_decode_cycles},
    {"accumulator_sets", &GemmConstants::accumulator_sets},
}};

void read_into(GemmConstants& constants, const Kernel& kernel) {
  for (const auto& [name, value] : kernel.constants) {
    const auto* row =
        std::find_if(kConstants.begin(), kConstants.end(), [&known = name](const auto& r) { return known == r.first; });
    if (row == kConstants.end())
      throw UnsupportedError("kernel " + kernel.name + ": gemm knows no constant " + name + " (docs/models/gemm.md)");
    constants.*(row->second) = value;
  }
}

GemmConstants common_constants(const Substrate& substrate) {
  GemmConstants constants;
  for (const Kernel& common : substrate.kernels)
    if (common.op == "gemm_common") read_into(constants, common);
  return constants;
}

GemmConstants constants_of(const Kernel& kernel, const GemmConstants& common) {
  GemmConstants constants = common;
  if (kernel.constants.contains("dram_share")) constants.slow_start_share = 1;  // its own share holds from the start
  read_into(constants, kernel);
  return constants;
}

// The vector pipe multiplies what the kernel says; the matrix unit must have a rate for the type.
bool runs(const Kernel& kernel, const GemmConstants& constants, const GemmSize& size, const Substrate& substrate) {
  const WeightFormat& weights = size.weights;
  const std::string& operands = weights.operands.empty() ? size.dtype : weights.operands;
  const bool unasked = kernel.quality == "naive" && weights.kernel.empty();
  return takes(kernel, weights.pattern, operands) && kernel.name.starts_with(weights.kernel) &&
         (weights.format.empty() || takes(kernel, weights.format, operands)) &&
         (weights.quality.empty() ? !unasked : kernel.quality == weights.quality) &&
         (size.weights.columns_most == 0 || kernel.tile_n <= size.weights.columns_most) &&
         (constants.most_rows == 0 || static_cast<double>(size.m) <= constants.most_rows) &&
         (constants.vector > 0 || substrate.compute.pipes.tensor.contains(size.dtype));
}

// Cycles of one main-loop step in the matrix unit: whole instructions, the long side of the instruction along either
// side of the tile, none shorter than the unit's floor.
double instruction_cycles(const GemmPlan& plan, const GemmSize& size, const Pipes& pipes) {
  const TensorRate& rate = pipes.tensor.at(size.dtype);
  const double share = size.accumulate == "fp32" ? fp32_share(rate) : 1;
  const double n_of_m = size.weights.sparse_rate > 0 ? size.weights.sparse_rate : rate.sparse.value;
  const double skipping = size.weights.n_of_m ? n_of_m : 1;
  const double flops = rate.dense * share * skipping * pipes.tensor_sustained;
  const auto along = [&](double rows, double columns) {
    const auto steps = [](double extent, const Quantity& step) { return step > 0 ? std::ceil(extent / step) : extent; };
    const double wide = rate.step_n > 0 ? steps(columns, rate.step_n) * rate.step_n : columns;
    const double deep = rate.step_k > 0 ? rate.step_k.value : 1, tall = rate.step_m > 0 ? rate.step_m.value : 1;
    const double each = std::max<double>(2 * tall * wide * deep / flops, pipes.instruction_floor);
    return steps(rows, rate.step_m) * steps(plan.depth, rate.step_k) * each;
  };
  return std::min(along(plan.kernel->tile_m, plan.kernel->tile_n), along(plan.kernel->tile_n, plan.kernel->tile_m));
}

// The tensor pipe and the scratchpad port that feeds it work at once: the slower one sets the pace.
double step_cycles(const GemmPlan& plan, const GemmSize& size, const Substrate& substrate) {
  const Kernel& kernel = *plan.kernel;
  const Pipes& pipes = substrate.compute.pipes;
  if (plan.constants.vector > 0) {
    const double macs = static_cast<double>(kernel.tile_m) * kernel.tile_n * plan.depth;
    return 2 * macs / (pipes.vector * plan.constants.vector) + plan.constants.step_overhead_cycles;
  }
  // N:M weights lie compressed in the scratchpad too; other formats were unpacked on their way there.
  const double weight_reads = plan.constants.weight_reads * (size.weights.n_of_m ? size.weights.bytes_share : 1);
  const double bytes = (kernel.tile_m * plan.constants.activation_reads + kernel.tile_n * weight_reads) * plan.depth *
                       element_bytes(size.dtype);
  // Where the matrix unit reads registers, they were loaded from the scratchpad through its banks.
  const double banks = substrate.compute.scratchpad_banks * substrate.compute.scratchpad_bank_bytes;
  const double port = pipes.operand_bandwidth > 0 ? pipes.operand_bandwidth.value : banks;
  const double operands = port > 0 ? bytes / port : 0;
  return std::max(instruction_cycles(plan, size, pipes), operands) + plan.constants.step_overhead_cycles;
}

// Units that store at once share what L2 takes; one alone stores as fast as its scratchpad and port allow.
double epilogue_with_stores(const GemmPlan& plan, const Substrate& substrate) {
  const double storing = std::min<double>(substrate.compute.units, plan.tasks());
  const double l2_rate = substrate.memory.l2_bandwidth * plan.constants.l2_store_share / substrate.compute.clock;
  const double rate = std::min(plan.constants.epilogue_bytes_per_cycle, l2_rate / storing);
  const double results = static_cast<double>(plan.kernel->tile_m) * plan.kernel->tile_n;
  return plan.constants.epilogue_cycles + results * (plan.splits > 1 ? 4 : plan.result_bytes) / rate;
}

// A cluster lies along the dimension whose tiles share the larger operand, if there are that many tiles.
void share_reads(GemmPlan& plan) {
  const double cluster = plan.constants.cluster;
  const bool by_rows = static_cast<double>(plan.tiles_m) >= cluster;
  const bool by_columns = static_cast<double>(plan.tiles_n) >= cluster;
  if (by_rows && (plan.kernel->tile_n >= plan.kernel->tile_m || !by_columns)) {
    plan.weight_share = 1 / cluster;
  } else if (by_columns) {
    plan.activation_share = 1 / cluster;
  }
}

// What the library reckons: the busiest unit's pipe, or the memory, or the loads in flight; plus what does not overlap.
// `by_main_loop`: of the main loop alone. Such a library takes the most efficient tile and accepts a nearly empty last
// wave.
double estimate(const GemmSize& size, const GemmPlan& plan, const Substrate& substrate, bool by_main_loop) {
  const Kernel& kernel = *plan.kernel;
  const Memory& memory = substrate.memory;
  const double bytes = element_bytes(size.dtype), clock = substrate.compute.clock;
  const double units = substrate.compute.units, tasks = plan.tasks();
  const bool whole = !by_main_loop && static_cast<double>(size.k) >= plan.constants.whole_waves_from_k;
  const auto rounds = [&](double filled) { return whole ? std::ceil(filled) : std::max(1.0, filled); };
  const double waves = rounds(tasks / (units * kernel.tasks_per_unit)), turns = rounds(tasks / units);
  const double stored = kernel.tile_n * size.weights.bytes_share;  // columns of a tile, as dense ones
  const double step_bytes = (kernel.tile_m + stored) * plan.depth * bytes;
  const double l2_step_bytes =
      (kernel.tile_m * plan.activation_share + stored * plan.weight_share) * plan.depth * bytes;
  const double m = static_cast<double>(size.m), n = static_cast<double>(size.n);
  const double k = static_cast<double>(size.walked_k());
  const double packed = kernel.tile_n * size.weights.unpacked() * plan.depth * bytes;
  const double multiply = plan.cycles_per_step + plan.constants.step_decode_cycles * packed;
  const double compute = turns * plan.steps * std::max(multiply, plan.constants.decode_cycles * packed) / clock;
  const double streamed = ((m + n * size.weights.bytes_share) * k * bytes + m * n * plan.result_bytes) /
                          (memory.dram_achieved * plan.constants.dram_share);
  const double share = plan.constants.slow_start_share, slow = plan.constants.slow_start_us * 1e-6;
  const double dram = std::min(streamed / share, streamed + slow * (1 - share));
  const double l2 = tasks * plan.steps * l2_step_bytes / memory.l2_bandwidth;
  const double flight = waves * plan.steps * memory.dram_latency / kernel.stages;
  const double port = memory.l2_port > 0 ? turns * plan.steps * step_bytes / (memory.l2_port * clock) : 0;
  const bool behind = kernel.persistent && plan.constants.accumulator_sets > 1;  // stores, behind multiplies
  const double starts = kernel.persistent ? 1 : waves;
  const double ends = behind ? 1 : waves;
  const double edges = by_main_loop ? 0 : starts * plan.constants.prologue_cycles + ends * plan.epilogue_cycles;
  const double stores = behind && !by_main_loop ? turns * plan.epilogue_cycles / clock : 0;
  double seconds = std::max({compute, dram, l2, flight, port, stores}) + edges / clock + memory.dram_latency;
  if (plan.splits > 1) seconds += 2 * 4 * m * n * plan.splits / memory.l2_bandwidth;
  return seconds + (plan.constants.start_us + (plan.splits > 1 ? plan.constants.split_start_us : 0)) * 1e-6;
}

std::vector<int> splits_to_try(std::int64_t steps, const GemmConstants& constants) {
  std::vector<int> splits = {1};
  for (int s : {2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64})
    if (s <= constants.split_most && static_cast<double>(steps / s) >= constants.split_least_steps) splits.push_back(s);
  return splits;
}

// The plans of one kernel, every split; those with too many tasks are left out and counted in `fewest`.
void add_plans(const Kernel& kernel, const GemmConstants& common, const GemmSize& size, const Substrate& substrate,
               std::vector<GemmPlan>& plans, double& fewest) {
  GemmPlan plan;
  plan.kernel = &kernel;
  plan.constants = constants_of(kernel, common);
  if (!runs(kernel, plan.constants, size, substrate)) return;
  plan.tiles_m = ceil_div(size.m, kernel.tile_m);
  plan.tiles_n = ceil_div(size.n, kernel.tile_n);
  plan.depth = static_cast<int>(kernel.tile_k * 2 / element_bytes(size.dtype));
  plan.result_bytes = std::max(2.0, element_bytes(size.dtype));
  plan.cycles_per_step = step_cycles(plan, size, substrate);
  share_reads(plan);
  const std::int64_t steps = ceil_div(size.walked_k(), plan.depth);
  for (int splits : splits_to_try(steps, plan.constants)) {
    plan.splits = splits;
    fewest = std::min(fewest, plan.tasks());
    if (plan.tasks() > kTasksMost) continue;
    plan.steps = step_count(static_cast<double>(ceil_div(steps, splits)), "steps of a tile");
    plan.epilogue_cycles = epilogue_with_stores(plan, substrate);
    plan.counted_seconds = estimate(size, plan, substrate, false);
    plan.estimated_seconds =
        plan.constants.main_loop_choice > 0 ? estimate(size, plan, substrate, true) : plan.counted_seconds;
    plans.push_back(plan);
  }
}

}  // namespace

bool takes(const Kernel& kernel, const std::string& pattern, const std::string& dtype) {
  const auto names = [](const std::vector<std::string>& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  return names(kernel.patterns, pattern) && names(kernel.dtypes, dtype);
}

std::int64_t GemmSize::walked_k() const {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(static_cast<double>(k) * weights.depth_share)));
}

double element_bytes(const std::string& dtype) {
  if (dtype == "fp32" || dtype == "tf32") return 4;
  if (dtype == "fp16" || dtype == "bf16") return 2;
  if (dtype == "fp8" || dtype == "int8") return 1;
  if (dtype == "int4" || dtype == "fp4") return 0.5;
  throw UnsupportedError("unknown operand type " + dtype);
}

std::string known_types(const Substrate& substrate, std::string_view op, std::string_view pattern) {
  std::set<std::string> types;
  for (const Kernel& kernel : substrate.kernels)
    if (kernel.op == op && std::find(kernel.patterns.begin(), kernel.patterns.end(), pattern) != kernel.patterns.end())
      types.insert(kernel.dtypes.begin(), kernel.dtypes.end());
  return types.empty() ? "" : fmt::format(" (known: {})", fmt::join(types, ", "));
}

std::vector<GemmPlan> plan_gemm(const GemmSize& size, const Substrate& substrate, const Ideal&) {
  std::vector<GemmPlan> plans;
  double fewest = std::numeric_limits<double>::infinity();
  const GemmConstants common = common_constants(substrate);
  for (const Kernel& kernel : substrate.kernels)
    if (kernel.op == "gemm") add_plans(kernel, common, size, substrate, plans, fewest);
  if (plans.empty() && fewest < std::numeric_limits<double>::infinity())
    require_at_most(fewest, kTasksMost, "tiles of a matrix product");
  if (plans.empty())
    throw UnsupportedError("no gemm kernel for " +
                           (size.weights.pattern == "dense" ? "" : size.weights.pattern + " weights in ") + size.dtype +
                           " in the kernel library of " + substrate.name +
                           known_types(substrate, "gemm", size.weights.pattern));
  std::stable_sort(plans.begin(), plans.end(), [](const GemmPlan& a, const GemmPlan& b) {
    return std::tie(a.estimated_seconds, a.counted_seconds) < std::tie(b.estimated_seconds, b.counted_seconds);
  });
  return plans;
}

}  // namespace sparsesim
