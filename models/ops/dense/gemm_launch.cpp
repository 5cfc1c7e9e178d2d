#include <algorithm>
#include <cmath>

#include "models/ops/dense/gemm_kernels.h"

namespace sparsesim {
namespace {

/// Operands that a call finds in L2: what is read again lies there if all that was read and written since fits.
struct Found {
  bool activations = false, weights = false;
};

Found found_in_l2(const GemmSize& size, double result_bytes, const Memory& memory) {
  if (size.layers_in_turn == 0) return {};
  const double m = static_cast<double>(size.m), n = static_cast<double>(size.n), k = static_cast<double>(size.k);
  const double bytes = element_bytes(size.dtype), weights = n * k * bytes * size.weights.bytes_share;
  const double others = m * k * bytes + m * n * result_bytes, kept = shared_l2_bytes(memory);
  return {weights + others <= kept, size.layers_in_turn * weights + others <= kept};
}

// A tile at the edge reads and stores only what is there, but multiplies in full.
struct Extent {
  double rows, columns;
};

TaskShape tile_shape(const GemmSize& size, const GemmPlan& plan, int steps, Extent extent, const Ideal& ideal,
                     const Found& found) {
  const Kernel& kernel = *plan.kernel;
  const double depth = plan.depth;
  const auto walked_k = static_cast<double>(size.walked_k());
  const double there = walked_k / (std::ceil(walked_k / depth) * depth);  // of the steps' depth, padding left out
  const double bytes = depth * there * element_bytes(size.dtype);
  const double weights = extent.columns * bytes * size.weights.bytes_share;
  TaskShape shape;
  shape.steps = steps;
  shape.stages = kernel.stages;
  shape.streams = {{extent.rows * bytes, extent.rows * bytes, true, plan.activation_share, found.activations},
                   {weights, weights, true, plan.weight_share, found.weights}};
  shape.prologue_cycles = plan.constants.prologue_cycles;
  shape.epilogue_cycles = plan.epilogue_cycles;
  const auto pipe = static_cast<std::size_t>(plan.constants.vector > 0 ? Pipe::vector : Pipe::tensor);
  // A worker with one set of accumulators stores them before the next tile's first multiply; its loads run ahead.
  if (kernel.persistent && plan.constants.accumulator_sets < 2)
    shape.epilogue_pipe_cycles.at(pipe) = shape.epilogue_cycles;
  const double results = extent.rows * extent.columns;
  shape.scratch_bytes = plan.splits > 1 ? results * 4 : 0;
  shape.store_bytes = results * plan.result_bytes / plan.splits;
  shape.useful_macs = results * depth * steps * there * size.weights.useful_share;
  shape.issued_macs = static_cast<double>(kernel.tile_m) * kernel.tile_n * depth * steps * size.weights.issued_share;
  double share = 1;
  if (ideal.padding) {
    share = shape.useful_macs / shape.issued_macs;
    shape.issued_macs = shape.useful_macs;
  }
  shape.cycles_per_step.at(pipe) = plan.cycles_per_step * share;
  if (!ideal.metadata) {
    const double packed = extent.columns * bytes * size.weights.unpacked();
    shape.cycles_per_step[static_cast<int>(Pipe::vector)] += plan.constants.decode_cycles * packed;
    shape.cycles_per_step.at(pipe) += plan.constants.step_decode_cycles * packed;
  }
  return shape;
}

// Tiles in groups along m, so that neighbours in time share panels; the long splits come first.
void add_tasks(Launch& launch, const GemmPlan& plan, std::int64_t short_steps, std::int64_t longer, int gathers) {
  launch.tasks.reserve(static_cast<std::size_t>(plan.tiles_m * plan.tiles_n * plan.splits));
  const auto gathers_m = static_cast<std::uint32_t>(gathers);
  const std::uint32_t panels_m = static_cast<std::uint32_t>(plan.tiles_m) * gathers_m;
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
          const auto gather = static_cast<std::uint32_t>(tile_n) % gathers_m;
          task.panel = {static_cast<std::uint32_t>(tile_m) * gathers_m + gather,
                        panels_m + static_cast<std::uint32_t>(tile_n), 0};
          task.first_slice = first;
          launch.tasks.push_back(task);
        }
      }
    }
  }
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
  launch.loads_ahead = kernel.persistent && plan.constants.vector == 0;
  launch.dram_share = plan.constants.dram_share;
  launch.slow_start_seconds = plan.constants.slow_start_us * 1e-6;
  launch.slow_start_share = plan.constants.slow_start_share;
  launch.fixed_seconds = substrate.dispatch.graph_node + substrate.dispatch.grid_start + plan.constants.start_us * 1e-6;
  if (plan.splits > 1) launch.fixed_seconds += plan.constants.split_start_us * 1e-6;

  // Shapes: inner or edge in m, inner or edge in n, long or short split.
  const std::int64_t all_steps = (size.walked_k() + plan.depth - 1) / plan.depth;
  const std::int64_t short_steps = all_steps / plan.splits, longer = all_steps % plan.splits;
  const double edge_m = static_cast<double>(size.m - (plan.tiles_m - 1) * kernel.tile_m);
  const double edge_n = static_cast<double>(size.n - (plan.tiles_n - 1) * kernel.tile_n);
  const Found found = found_in_l2(size, plan.result_bytes, substrate.memory);
  for (int id = 0; id < 8; ++id) {
    const Extent extent{id & 1 ? edge_m : static_cast<double>(std::min<std::int64_t>(kernel.tile_m, size.m)),
                        id & 2 ? edge_n : static_cast<double>(std::min<std::int64_t>(kernel.tile_n, size.n))};
    launch.shapes.push_back(
        tile_shape(size, plan, static_cast<int>(short_steps + (id & 4 ? 1 : 0)), extent, ideal, found));
  }
  add_tasks(launch, plan, short_steps, longer, size.weights.gathers);
  return launch;
}

}  // namespace sparsesim
