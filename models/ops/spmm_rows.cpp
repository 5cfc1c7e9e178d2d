#include "models/ops/spmm_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "models/ops/gemm_kernels.h"
#include "models/ops/limits.h"
#include "models/ops/spmm_twin.h"

namespace sparsesim {
namespace {

/// Constants of a kernel as docs/models/spmm.md names them.
struct RowsConstants {
  double block_n = 0;      // rows of a stored unit that the kernel is written for; 0: any
  double index_bytes = 4;  // per stored unit
  double matrix_rows = 0;  // rows of the matrix instruction, filled or not; 0: multiplies on the vector pipe
  double item_cycles = 0;  // issue slots of one unit per task: index, address, loads
  double byte_cycles = 0;  // per gathered byte: loads, conversions and moves through registers
  double l1_share = 1;     // of the first-level cache, what gathered rows find there
  double prologue_cycles = 0;
  double epilogue_cycles = 0;
  double halves_cycles = 0;  // of a task, to add up the halves that weights of a wider type are cut into
  double dram_share = 1;
  double start_us = 0;      // per call beyond the graph node: further launches, index preparation
  double single_calls = 0;  // 1: published times are of single calls between events
  double host_us = 0;       // of a published call in a loop, what its host needs: it takes no less
};

constexpr std::array<std::pair<const char*, double RowsConstants::*>, 13> kNames = {{
    {"block_n", &RowsConstants::block_n},
    {"index_bytes", &RowsConstants::index_bytes},
    {"matrix_rows", &RowsConstants::matrix_rows},
    {"item_cycles", &RowsConstants::item_cycles},
    {"byte_cycles", &RowsConstants::byte_cycles},
    {"l1_share", &RowsConstants::l1_share},
    {"prologue_cycles", &RowsConstants::prologue_cycles},
    {"epilogue_cycles", &RowsConstants::epilogue_cycles},
    {"halves_cycles", &RowsConstants::halves_cycles},
    {"dram_share", &RowsConstants::dram_share},
    {"start_us", &RowsConstants::start_us},
    {"single_calls", &RowsConstants::single_calls},
    {"host_us", &RowsConstants::host_us},
}};

RowsConstants constants_of(const Kernel& kernel) {
  RowsConstants constants;
  for (const auto& [name, value] : kernel.constants) {
    const auto row =
        std::find_if(kNames.begin(), kNames.end(), [&key = name](const auto& r) { return key == r.first; });
    if (row == kNames.end())
      throw UnsupportedError("kernel " + kernel.name + ": spmm knows no constant " + name + " (docs/models/spmm.md)");
    constants.*(row->second) = value;
  }
  return constants;
}

/// "int16xint8": sparse operand in int16 against activations in int8, its halves stacked as rows of int8.
struct OperandTypes {
  std::string weights, activations;
  double halves = 1;  // rows of the matrix instruction that one row of weights takes
};

OperandTypes operand_types(const std::string& dtype) {
  const std::size_t cross = dtype.find('x');
  if (cross == std::string::npos) return {dtype, dtype, 1};
  OperandTypes types{dtype.substr(0, cross), dtype.substr(cross + 1), 1};
  types.halves = weight_bytes(types.weights) / element_bytes(types.activations);
  return types;
}

double round_up(double value, double granule) { return granule > 0 ? std::ceil(value / granule) * granule : value; }

class RowsLowering {
 public:
  RowsLowering(const SpmmSize& size, const Kernel& kernel, const LowerContext& context)
      : size_(size),
        kernel_(kernel),
        substrate_(context.substrate),
        ideal_(context.ideal),
        constants_(constants_of(kernel)),
        types_(operand_types(size.dtype)),
        counts_(size.row_counts(context.seed)),
        groups_(std::max<std::int64_t>(1, kernel.tile_n / size.block_n)),
        tiles_m_((size.m + kernel.tile_m - 1) / kernel.tile_m) {}

  Launch lower() {
    const auto rows = static_cast<std::int64_t>(counts_.units.size());
    const std::int64_t tiles_n = (rows + groups_ - 1) / groups_;
    require_at_most(static_cast<double>(tiles_n) * static_cast<double>(tiles_m_), kTasksMost,
                    "tasks of a sparse product");
    Launch launch;
    launch.name = "spmm";
    launch.kernel = kernel_.name;
    launch.dtype = types_.activations;
    launch.tasks_per_unit = kernel_.tasks_per_unit;
    launch.persistent = kernel_.persistent;
    launch.dram_share = constants_.dram_share;
    launch.fixed_seconds = substrate_.dispatch.graph_node + substrate_.dispatch.grid_start + constants_.start_us * 1e-6;
    launch.fixed_seconds += host_call_seconds(size_, kernel_, substrate_, kernel_.quality == "library");
    if (size_.timed_call) launch.host_seconds = constants_.host_us * 1e-6;
    const std::uint32_t variants = panel_variants();
    // All rows of one tile of m first: they gather from the same activations.
    for (std::int64_t tile_m = 0; tile_m < tiles_m_; ++tile_m) {
      for (std::int64_t tile_n = 0; tile_n < tiles_n; ++tile_n) {
        Task task;
        task.shape = shape_of(launch, tile_n, tile_m + 1 == tiles_m_);
        const auto activations = static_cast<std::uint32_t>(tile_m) * variants;
        task.panel = {activations + static_cast<std::uint32_t>(tile_n) % variants,
                      static_cast<std::uint32_t>(tiles_m_) * variants + static_cast<std::uint32_t>(tile_n), 0};
        launch.tasks.push_back(task);
      }
    }
    return launch;
  }

 private:
  /// Rows of activations that all tasks together name, over what one of them names: so many different panels of the
  /// length of a task stand for the whole operand in the cache.
  std::uint32_t panel_variants() const {
    const double density = counts_.density();
    const auto rows = static_cast<double>(counts_.units.size());
    const double named = 1 - std::pow(1 - density, rows);
    const double by_task = 1 - std::pow(1 - density, static_cast<double>(groups_));
    constexpr double kMost = 256;
    return static_cast<std::uint32_t>(std::clamp(std::round(named / std::max(by_task, 1e-9)), 1.0, kMost));
  }

  std::uint32_t shape_of(Launch& launch, std::int64_t tile_n, bool edge) {
    std::int64_t longest = 0, all = 0;
    const auto rows = static_cast<std::int64_t>(counts_.units.size());
    const std::int64_t last = std::min((tile_n + 1) * groups_, rows);
    for (std::int64_t row = tile_n * groups_; row < last; ++row) {
      const std::int64_t units = counts_.units[static_cast<std::size_t>(row)];
      longest = std::max(longest, units);
      all += units;
    }
    const auto [entry, fresh] =
        known_.try_emplace({longest, all, last - tile_n * groups_, edge}, static_cast<std::uint32_t>(known_.size()));
    if (fresh) launch.shapes.push_back(make_shape(longest, all, last - tile_n * groups_, edge));
    return entry->second;
  }

  /// The rows of a task advance together, so its steps are those of the longest row; bytes are those of all.
  TaskShape make_shape(std::int64_t longest, std::int64_t all, std::int64_t rows, bool edge) const {
    const double units_per_step = static_cast<double>(kernel_.tile_k) / static_cast<double>(size_.block_k);
    const double width = edge ? static_cast<double>(size_.m - (tiles_m_ - 1) * kernel_.tile_m)
                              : static_cast<double>(std::min<std::int64_t>(kernel_.tile_m, size_.m));
    TaskShape shape;
    shape.steps = step_count(std::ceil(static_cast<double>(longest) / units_per_step), "steps of a row");
    shape.stages = kernel_.stages;
    const double steps = std::max(1, shape.steps), units = static_cast<double>(all) / steps;  // stored, per step
    add_streams(shape, units, width);
    add_work(shape, units, static_cast<double>(rows), units_per_step, width);
    const double outputs = static_cast<double>(rows * size_.block_n) * width;
    shape.store_bytes = outputs * std::max(2.0, element_bytes(types_.activations));
    shape.prologue_cycles = constants_.prologue_cycles;
    shape.epilogue_cycles = constants_.epilogue_cycles + (types_.halves > 1 ? constants_.halves_cycles : 0);
    return shape;
  }

  void add_streams(TaskShape& shape, double units, double width) const {
    const Memory& memory = substrate_.memory;
    const double row_bytes = width * element_bytes(types_.activations);
    const double gathered = units * static_cast<double>(size_.block_k);
    // Gathered rows are found in the first-level cache as often as it holds the tile's whole operand.
    const double operand = static_cast<double>(size_.k) * row_bytes;
    const double missed = 1 - std::min(1.0, constants_.l1_share * memory.l1_bytes / operand);
    const double useful = gathered * row_bytes * missed;
    shape.streams.push_back({useful, gathered * round_up(row_bytes, memory.sector) * missed, true, 1});
    const double elements = units * static_cast<double>(size_.block_n * size_.block_k);
    const double index = ideal_.metadata ? 0 : units * constants_.index_bytes;
    const double stored = elements * weight_bytes(types_.weights) + index;
    shape.streams.push_back({stored, stored, tiles_m_ > 1, 1});
  }

  void add_work(TaskShape& shape, double units, double rows, double units_per_step, double width) const {
    const double columns = static_cast<double>(size_.block_k), height = static_cast<double>(size_.block_n);
    shape.useful_macs = units * shape.steps * columns * height * width;
    // Every row of the task takes part in every step, its short ones with nothing to do.
    const double slots = rows * units_per_step * columns;
    const double full_width = static_cast<double>(kernel_.tile_m);
    double macs = slots * height * full_width;
    if (constants_.matrix_rows > 0)
      macs = round_up(slots * height * types_.halves, constants_.matrix_rows * columns * units_per_step) * full_width;
    if (ideal_.padding) macs = units * columns * height * width;
    shape.issued_macs = macs * shape.steps;
    const Pipes& pipes = substrate_.compute.pipes;
    const double issue = ideal_.metadata ? 0 : rows * units_per_step * constants_.item_cycles;
    const double gathered_bytes = slots * full_width * element_bytes(types_.activations);
    const double moved = gathered_bytes * constants_.byte_cycles;
    auto& cycles = shape.cycles_per_step;
    cycles[static_cast<int>(Pipe::vector)] = issue + moved;
    if (constants_.matrix_rows <= 0) {
      cycles[static_cast<int>(Pipe::vector)] += 2 * macs / pipes.vector;
      return;
    }
    // Matrix units take single precision as TF32.
    const std::string type = types_.activations == "fp32" ? "tf32" : types_.activations;
    const auto rate = pipes.tensor.find(type);
    if (rate == pipes.tensor.end()) throw UnsupportedError(substrate_.name + " has no matrix rate for " + type);
    const double full = rate->second.dense * pipes.tensor_sustained;
    const double share =
        size_.accumulate == "fp32" && rate->second.fp32_accumulate > 0 ? rate->second.fp32_accumulate.value : 1;
    cycles[static_cast<int>(Pipe::tensor)] = 2 * macs / (full * share);
  }

  const SpmmSize& size_;
  const Kernel& kernel_;
  const Substrate& substrate_;
  const Ideal ideal_;
  const RowsConstants constants_;
  const OperandTypes types_;
  const RowCounts counts_;
  const std::int64_t groups_;  // rows of units per task
  const std::int64_t tiles_m_;
  std::map<std::array<std::int64_t, 4>, std::uint32_t> known_;
};

}  // namespace

double weight_bytes(const std::string& dtype) { return dtype == "int16" ? 2 : element_bytes(dtype); }

Launch lower_spmm_rows(const SpmmSize& size, const Kernel& kernel, const LowerContext& context) {
  return RowsLowering(size, kernel, context).lower();
}

}  // namespace sparsesim
