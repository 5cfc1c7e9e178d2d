#include "models/ops/weights/spmm_scatter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/limits.h"
#include "models/ops/weights/spmm_kernels.h"

namespace sparsesim {
namespace {

class ScatterLowering {
 public:
  ScatterLowering(const SpmmSize& size, const Kernel& kernel, const LowerContext& context)
      : size_(size),
        kernel_(kernel),
        context_(context),
        constants_(spmm_constants(kernel)),
        types_(operand_types(size.dtype)),
        counts_(size.column_counts(context.seed)),
        tiles_m_((size.m + kernel.tile_m - 1) / kernel.tile_m),
        unit_bytes_(unit_bytes(size, constants_, counts_.density(), context.ideal)) {}

  Launch lower() {
    const auto inputs = static_cast<std::int64_t>(counts_.units.size());
    const std::int64_t tiles = (inputs + kernel_.tile_n - 1) / kernel_.tile_n;
    require_at_most(static_cast<double>(tiles) * static_cast<double>(tiles_m_), kTasksMost,
                    "tasks of a sparse product");
    Launch launch = start_spmm_launch(size_, kernel_, constants_, context_);
    for (std::int64_t tile_m = 0; tile_m < tiles_m_; ++tile_m) {
      for (std::int64_t tile = 0; tile < tiles; ++tile) {
        Task task;
        task.shape = shape_of(launch, tile, inputs, tile_m + 1 == tiles_m_);
        task.panel = {static_cast<std::uint32_t>(tile_m * tiles + tile),
                      static_cast<std::uint32_t>(tiles_m_ * tiles + tile), 0};
        launch.tasks.push_back(task);
      }
    }
    return launch;
  }

 private:
  std::uint32_t shape_of(Launch& launch, std::int64_t tile, std::int64_t inputs, bool edge) {
    const std::int64_t first = tile * kernel_.tile_n, last = std::min(first + kernel_.tile_n, inputs);
    std::int64_t units = 0;
    for (std::int64_t input = first; input < last; ++input) units += counts_.units[static_cast<std::size_t>(input)];
    const auto [entry, fresh] =
        known_.try_emplace({units, last - first, edge}, static_cast<std::uint32_t>(known_.size()));
    if (fresh) launch.shapes.push_back(make_shape(static_cast<double>(units), static_cast<double>(last - first), edge));
    return entry->second;
  }

  TaskShape make_shape(double units, double inputs, bool edge) const {
    const Ideal& ideal = context_.ideal;
    const double width = static_cast<double>(edge ? size_.m - (tiles_m_ - 1) * kernel_.tile_m
                                                  : std::min<std::int64_t>(kernel_.tile_m, size_.m));
    const double height = static_cast<double>(size_.block_n), depth = static_cast<double>(size_.block_k);
    const double units_per_step = static_cast<double>(kernel_.tile_k) / depth;
    TaskShape shape;
    shape.steps = step_count(std::max(1.0, std::ceil(units / units_per_step)), "steps of a column");
    shape.stages = kernel_.stages;
    const double own = inputs * depth * width * element_bytes(types_.activations) / shape.steps;
    const double pointers = ideal.metadata ? 0 : inputs * constants_.row_bytes;
    const double stored = (units * unit_bytes_ + pointers) / shape.steps;
    shape.streams = {{own, own, true, 1}, {stored, stored, tiles_m_ > 1, 1}};
    shape.useful_macs = units * height * depth * width;
    // Units of a step are multiplied in full width; small blocks leave rows and depth of the instruction empty.
    const double full = static_cast<double>(kernel_.tile_m);
    const double per_unit =
        round_up(height * types_.halves, constants_.matrix_rows) * round_up(depth, constants_.matrix_depth) * full;
    const double macs = ideal.padding ? shape.useful_macs / shape.steps : units * per_unit / shape.steps;
    shape.issued_macs = macs * shape.steps;
    add_multiplies(shape, size_, constants_, macs, context_.substrate);
    add_sums(shape, units * height, width);
    const double issue = ideal.metadata ? 0 : units / shape.steps * constants_.item_cycles;
    shape.cycles_per_step[static_cast<int>(Pipe::vector)] += issue;
    shape.prologue_cycles = constants_.prologue_cycles;
    shape.epilogue_cycles = constants_.epilogue_cycles;
    return shape;
  }

  /// Every unit reads and writes its sums in L2; what L2 cannot hold of all sums comes from DRAM and goes back.
  void add_sums(TaskShape& shape, double rows, double width) const {
    const double sum_bytes = size_.accumulate == "fp16" ? 2 : 4;
    const double sector = context_.ideal.overfetch ? 0 : context_.substrate.memory.sector.value;
    const double added = rows * round_up(width * sum_bytes, sector);
    const double results = static_cast<double>(size_.n) * static_cast<double>(size_.m) * sum_bytes;
    const double spilled = 1 - std::min(1.0, kept_on_device_bytes(context_.substrate.memory) / results);
    const double tasks =
        std::ceil(static_cast<double>(counts_.units.size()) / kernel_.tile_n) * static_cast<double>(tiles_m_);
    shape.scratch_bytes = added * (1 - spilled);
    shape.store_bytes = 2 * added * spilled + 2 * results / tasks;  // cleared and written back once
    shape.cycles_per_step[static_cast<int>(Pipe::vector)] += added * constants_.byte_cycles / shape.steps;
  }

  const SpmmSize& size_;
  const Kernel& kernel_;
  const LowerContext& context_;
  const SpmmConstants constants_;
  const OperandTypes types_;
  const RowCounts counts_;  // units of each column of units
  const std::int64_t tiles_m_;
  const double unit_bytes_;
  std::map<std::array<std::int64_t, 3>, std::uint32_t> known_;
};

}  // namespace

Launch lower_spmm_scatter(const SpmmSize& size, const Kernel& kernel, const LowerContext& context) {
  return ScatterLowering(size, kernel, context).lower();
}

}  // namespace sparsesim
