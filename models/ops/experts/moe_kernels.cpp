#include "models/ops/experts/moe_kernels.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "models/ops/op.h"

namespace sparsesim {
namespace {

constexpr double kMostTasks = 2000;

// Below both limits one kernel with one counting warp sorts. Source: vLLM 0.24.0, moe_align_sum_kernels.cu.
constexpr std::int64_t kFewSlots = 1024, kFewExperts = 64, kCountingThreads = 32;

/// Constants of one row of the library; absent rows and names read as their default.
class Constants {
 public:
  Constants(const Substrate& substrate, std::string_view op, std::map<std::string, double> defaults)
      : values_(std::move(defaults)) {
    for (const Kernel& kernel : substrate.kernels) {
      if (kernel.op != op && kernel.name != op) continue;
      for (const auto& [name, value] : kernel.constants) {
        const auto entry = values_.find(name);
        if (entry == values_.end())
          throw UnsupportedError("kernel " + kernel.name + " knows no constant " + name + " (docs/models/moe.md)");
        entry->second = value;
      }
      return;
    }
  }
  double operator[](const std::string& name) const { return values_.at(name); }

 private:
  std::map<std::string, double> values_;
};

// A further kernel of a chain: its node in the graph and its grid.
double node_seconds(const Substrate& substrate) {
  return substrate.dispatch.graph_node + substrate.dispatch.grid_start;
}

Launch start_launch(const std::string& name, double start_us, const Substrate& substrate) {
  Launch launch;
  launch.name = launch.kernel = name;
  launch.dtype = "fp32";
  launch.fixed_seconds = node_seconds(substrate) + start_us * 1e-6;
  return launch;
}

void add_tasks(Launch& launch, TaskShape shape, std::int64_t tasks) {
  launch.shapes.push_back(std::move(shape));
  launch.tasks.assign(static_cast<std::size_t>(std::max<std::int64_t>(1, tasks)), Task{});
}

Constants router_constants(const Substrate& substrate) {
  return {substrate,
          "moe_router",
          {{"start_us", 0},
           {"tokens_per_task", 4},
           {"cycles_per_score", 1},
           {"cycles_per_choice", 40},
           {"single_choice_kernels", 1},
           {"selection_passes", 4}}};
}

}  // namespace

Launch lower_router(std::int64_t tokens, std::int64_t experts, std::int64_t top_k, const Substrate& substrate) {
  const Constants constants = router_constants(substrate);
  Launch launch = start_launch("moe_router", constants["start_us"], substrate);
  if (top_k == 1) launch.fixed_seconds += (constants["single_choice_kernels"] - 1) * node_seconds(substrate);
  const double all = std::ceil(static_cast<double>(tokens) / constants["tokens_per_task"]);
  const double tasks = std::min(all, kMostTasks);
  const double each = constants["tokens_per_task"] * all / tasks;  // tokens of a task
  const double serial = all / tasks;                               // of them one after the other
  TaskShape shape;
  const double bytes = each * static_cast<double>(experts) * 4;
  shape.steps = 1;
  shape.streams = {{bytes, bytes, false}};
  shape.epilogue_cycles = serial * (static_cast<double>(experts) * constants["cycles_per_score"] +
                                    static_cast<double>(top_k) * constants["cycles_per_choice"]);
  shape.store_bytes = each * static_cast<double>(top_k) * 12;
  launch.tasks_per_unit = 8;
  add_tasks(launch, std::move(shape), static_cast<std::int64_t>(tasks));
  return launch;
}

Launch lower_expert_choice(std::int64_t tokens, std::int64_t experts, std::int64_t taken, const Substrate& substrate) {
  const Constants constants = router_constants(substrate);
  // The softmax over each token's scores stays; then a task per expert walks its column of scores pass after pass.
  Launch launch = start_launch("moe_router", constants["start_us"], substrate);
  launch.fixed_seconds += node_seconds(substrate);
  const double tasks = std::min(static_cast<double>(experts), kMostTasks);
  const double columns = static_cast<double>(experts) / tasks;
  const double passes = std::max(1.0, std::round(constants["selection_passes"]));
  TaskShape shape;
  shape.steps = static_cast<int>(passes);
  const double bytes = columns * static_cast<double>(tokens) * 4;
  shape.streams = {{bytes / passes, bytes / passes, false}};
  shape.scratch_bytes = 0.5 * bytes * (passes - 1);  // the later passes find the scores in L2
  const double lanes = std::max(1.0, substrate.compute.pipes.vector / 2);
  shape.cycles_per_step[static_cast<int>(Pipe::vector)] = columns * static_cast<double>(tokens) / lanes;
  shape.store_bytes = columns * static_cast<double>(taken) * 12;
  launch.tasks_per_unit = 2;
  add_tasks(launch, std::move(shape), static_cast<std::int64_t>(tasks));
  return launch;
}

Launch lower_align(std::int64_t slots, std::int64_t experts, std::int64_t padded_rows, const Substrate& substrate) {
  const Constants constants(
      substrate, "moe_align",
      {{"start_us", 0}, {"cycles_per_slot", 0}, {"cycles_per_expert", 0}, {"cycles_per_row", 0}, {"kernels", 1}});
  const bool few = slots < kFewSlots && experts <= kFewExperts;
  // Unsorted rows need their number only: a fill, not the counting and sorting kernels.
  const double kernels = slots == 0 || few ? 1 : constants["kernels"];
  Launch launch = start_launch("moe_align", slots > 0 ? kernels * constants["start_us"] : 0, substrate);
  launch.fixed_seconds += (kernels - 1) * node_seconds(substrate);
  TaskShape shape;  // one task: the running sum over experts is serial
  shape.epilogue_cycles = static_cast<double>(slots) * constants["cycles_per_slot"] +
                          static_cast<double>(experts) * constants["cycles_per_expert"] +
                          static_cast<double>(padded_rows) * constants["cycles_per_row"];
  if (slots > 0 && few) {
    // A single warp counts, then places: each thread walks its slots, one load after the other.
    const auto walked = static_cast<double>((slots + kCountingThreads - 1) / kCountingThreads);
    shape.epilogue_cycles += 2 * walked * substrate.memory.l2_far_latency * substrate.compute.clock;
  }
  shape.store_bytes = static_cast<double>(padded_rows) * 4;
  add_tasks(launch, std::move(shape), 1);
  return launch;
}

Launch lower_stream(const std::string& name, double read_bytes, double write_bytes, double results,
                    const Substrate& substrate) {
  const Constants constants(
      substrate, name,
      {{"start_us", 0}, {"dram_share", 1}, {"bytes_per_task", 16384}, {"scalar", 0}, {"cycles_per_result", 0}});
  Launch launch = start_launch(name, constants["start_us"], substrate);
  launch.dram_share = constants["dram_share"];
  if (constants["scalar"] > 0 && substrate.memory.scalar_load_share > 0)
    launch.dram_share *= substrate.memory.scalar_load_share;
  const double tasks = std::clamp(std::ceil((read_bytes + write_bytes) / constants["bytes_per_task"]), 1.0, kMostTasks);
  const double resident = std::max(0.0, 1 - (read_bytes + write_bytes) / kept_on_device_bytes(substrate.memory));
  TaskShape shape;
  shape.steps = 4;
  shape.stages = 4;
  const double cold = read_bytes * (1 - resident) / tasks / shape.steps;
  shape.streams = {{cold, cold, false}};
  shape.scratch_bytes = 0.5 * read_bytes * resident / tasks;  // read only: written by the kernel before
  shape.store_bytes = write_bytes / tasks;
  shape.cycles_per_step[static_cast<int>(Pipe::vector)] =
      constants["cycles_per_result"] * results / tasks / shape.steps;
  launch.tasks_per_unit = 4;
  add_tasks(launch, std::move(shape), static_cast<std::int64_t>(tasks));
  return launch;
}

}  // namespace sparsesim
