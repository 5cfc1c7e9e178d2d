#include "models/ops/training/sddmm.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "models/ops/attention/index_passes.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/limits.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

bool transposes(const Kernel& kernel) { return kernel_constant(kernel, "matrix_rows") <= 0; }

/// The kernel whose matrix instruction the units fill best: units as tall as its rows, else the one without.
const Kernel& find_sddmm_kernel(const SpmmSize& size, const Substrate& substrate) {
  const Kernel* best = nullptr;
  for (const Kernel& kernel : substrate.kernels) {
    if (kernel.op != "sddmm" || !takes(kernel, size.pattern, size.dtype)) continue;
    const double rows = kernel_constant(kernel, "matrix_rows");
    if (rows > static_cast<double>(size.block_n)) continue;
    if (!best || rows > kernel_constant(*best, "matrix_rows")) best = &kernel;
  }
  if (!best)
    throw UnsupportedError("no sddmm kernel for " + size.pattern + " weights in " + size.dtype + " on " +
                           substrate.name);
  return *best;
}

/// Tasks own up to tile_n stored units of one row of units and walk the m rows of both operands, tile_k at a time.
class SampledLowering {
 public:
  SampledLowering(const SpmmSize& size, const Kernel& kernel, const LowerContext& context)
      : size_(size),
        kernel_(kernel),
        substrate_(context.substrate),
        ideal_(context.ideal),
        counts_(size.row_counts(context.seed)),
        per_task_(std::max(1, kernel.tile_n)) {}

  Launch lower() {
    double tasks = 0;
    for (const auto units : counts_.units)
      tasks += std::ceil(static_cast<double>(units) / static_cast<double>(per_task_));
    require_at_most(tasks, kTasksMost, "tasks of a sampled product");
    Launch launch;
    launch.name = "sddmm";
    launch.kernel = kernel_.name;
    launch.dtype = size_.dtype;
    launch.tasks_per_unit = kernel_.tasks_per_unit;
    launch.dram_share = kernel_constant(kernel_, "dram_share");
    launch.fixed_seconds = substrate_.dispatch.graph_node + substrate_.dispatch.grid_start;
    // So many different panels of the width of a task stand for all columns of activations in the cache.
    const double columns = static_cast<double>(size_.k) / static_cast<double>(per_task_ * size_.block_k);
    const auto variants = static_cast<std::uint32_t>(std::clamp(std::round(columns), 1.0, 256.0));
    for (std::size_t row = 0; row < counts_.units.size(); ++row)
      for (std::int64_t left = counts_.units[row]; left > 0; left -= per_task_) {
        Task task;
        task.shape = shape_of(launch, std::min(left, per_task_));
        const auto at = static_cast<std::uint32_t>(launch.tasks.size());
        task.panel = {at % variants, variants + static_cast<std::uint32_t>(row), 0};
        launch.tasks.push_back(task);
      }
    return launch;
  }

 private:
  std::uint32_t shape_of(Launch& launch, std::int64_t units) {
    const auto [entry, fresh] = known_.try_emplace(units, static_cast<std::uint32_t>(launch.shapes.size()));
    if (fresh) launch.shapes.push_back(make_shape(static_cast<double>(units)));
    return entry->second;
  }

  TaskShape make_shape(double units) const {
    const double depth = kernel_.tile_k, bytes = element_bytes(size_.dtype), m = static_cast<double>(size_.m);
    const double rows = static_cast<double>(size_.block_n), columns = units * static_cast<double>(size_.block_k);
    TaskShape shape;
    shape.steps = step_count(std::ceil(m / depth), "steps of a sampled product");
    shape.stages = kernel_.stages;
    const double along = m / shape.steps;  // rows of the operands per step
    shape.streams = {{along * columns * bytes, units * line_bytes(along, static_cast<double>(size_.block_k)), true, 1},
                     {along * rows * bytes, line_bytes(along, rows), true, 1}};
    shape.prologue_cycles = kernel_constant(kernel_, "prologue_cycles");
    shape.epilogue_cycles = kernel_constant(kernel_, "epilogue_cycles");
    shape.store_bytes = rows * columns * bytes;
    shape.useful_macs = rows * columns * m;
    add_work(shape, rows, columns, units);
    return shape;
  }

  /// Bytes in whole sectors of `along` rows by `width` columns of an operand: pieces of rows as it lies, or of columns
  /// where it was transposed.
  double line_bytes(double along, double width) const {
    const double bytes = element_bytes(size_.dtype), sector = substrate_.memory.sector;
    return transposes(kernel_) ? width * std::max(along * bytes, sector) : along * round_up(width * bytes, sector);
  }

  void add_work(TaskShape& shape, double rows, double columns, double units) const {
    const double depth = kernel_.tile_k, granule = kernel_constant(kernel_, "matrix_rows");
    const Pipes& pipes = substrate_.compute.pipes;
    const bool matrix = granule > 0;
    double macs = (matrix ? round_up(rows, granule) * round_up(columns, granule / 2) : rows * columns) * depth;
    if (ideal_.padding) macs = shape.useful_macs / shape.steps;
    shape.issued_macs = macs * shape.steps;
    auto& cycles = shape.cycles_per_step;
    if (!ideal_.metadata)
      cycles[static_cast<int>(Pipe::vector)] = units * depth * kernel_constant(kernel_, "item_cycles");
    if (!matrix) {
      cycles[static_cast<int>(Pipe::vector)] += 2 * macs / pipes.vector;
      return;
    }
    // Matrix units take single precision as TF32.
    const auto rate = pipes.tensor.find(size_.dtype == "fp32" ? "tf32" : size_.dtype);
    if (rate == pipes.tensor.end()) throw UnsupportedError(substrate_.name + " has no matrix rate for " + size_.dtype);
    const double full = rate->second.dense * fp32_share(rate->second) * pipes.tensor_sustained;
    cycles[static_cast<int>(Pipe::tensor)] = 2 * macs / full;
  }

  const SpmmSize& size_;
  const Kernel& kernel_;
  const Substrate& substrate_;
  const Ideal ideal_;
  const RowCounts counts_;
  const std::int64_t per_task_;
  std::map<std::int64_t, std::uint32_t> known_;
};

}  // namespace

std::vector<Launch> lower_sddmm(const SpmmSize& size, const LowerContext& context) {
  const Kernel& kernel = find_sddmm_kernel(size, context.substrate);
  std::vector<Launch> launches;
  if (transposes(kernel) && !context.ideal.overfetch)
    launches.push_back(lower_elementwise(
        {.name = "sddmm_transpose",
         .elements = pass_elements(static_cast<double>(size.m) * static_cast<double>(size.n + size.k)),
         .dtype = size.dtype,
         .flops_per_element = 0},
        context.substrate));
  launches.push_back(SampledLowering(size, kernel, context).lower());
  return launches;
}

}  // namespace sparsesim
