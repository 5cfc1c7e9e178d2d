#include "models/ops/weights/spmm_rows.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory_resource>
#include <unordered_map>
#include <utility>
#include <vector>

#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/limits.h"
#include "models/ops/weights/spmm_kernels.h"

namespace sparsesim {
namespace {

/// Tasks of one kind share a shape.
struct RowsTaskKind {
  std::int64_t longest = 0, all = 0;  // units of its longest row and of all its rows
  std::int64_t rows = 0;
  bool edge = false;  // in the last tile of m, which is cut
  bool operator==(const RowsTaskKind&) const = default;
};
struct RowsTaskKindHash {
  std::size_t operator()(const RowsTaskKind& kind) const {
    constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15u;  // golden ratio, as a fraction of 2^64
    std::uint64_t hash = 0;
    for (const std::int64_t value : {kind.longest, kind.all, 2 * kind.rows + kind.edge})
      hash = (hash ^ static_cast<std::uint64_t>(value)) * kOdd;
    return hash ^ hash >> 32;
  }
};

class RowsLowering {
 public:
  RowsLowering(const SpmmSize& size, const Kernel& kernel, const LowerContext& context)
      : size_(size),
        kernel_(kernel),
        context_(context),
        substrate_(context.substrate),
        ideal_(context.ideal),
        constants_(spmm_constants(kernel)),
        types_(operand_types(size.dtype)),
        activation_bytes_(element_bytes(types_.activations)),
        counts_(walked_counts()),
        groups_(std::max<std::int64_t>(1, kernel.tile_n / size.block_n)),
        tiles_m_((size.m + kernel.tile_m - 1) / kernel.tile_m),
        unit_bytes_(unit_bytes(size, constants_, counts_.density(), ideal_)) {}

  Launch lower() {
    const auto rows = static_cast<std::int64_t>(counts_.units.size());
    const std::int64_t tiles_n = (rows + groups_ - 1) / groups_;
    require_at_most(static_cast<double>(tiles_n) * static_cast<double>(tiles_m_), kTasksMost,
                    "tasks of a sparse product");
    Launch launch = start_spmm_launch(size_, kernel_, constants_, context_);
    const std::uint32_t variants = panel_variants();
    // All rows of one tile of m first: they gather from the same activations.
    std::vector<std::uint32_t> shapes(
        static_cast<std::size_t>(tiles_n));  // but for a last one that is cut, tiles of m are equal
    launch.tasks.reserve(static_cast<std::size_t>(tiles_m_ * tiles_n));
    for (std::int64_t tile_m = 0; tile_m < tiles_m_; ++tile_m) {
      const bool edge = tile_m + 1 == tiles_m_ && size_.m % kernel_.tile_m != 0;
      for (std::int64_t tile_n = 0; tile_n < tiles_n; ++tile_n) {
        std::uint32_t& shape = shapes[static_cast<std::size_t>(tile_n)];
        if (tile_m == 0 || edge) shape = shape_of(launch, tile_n, edge);
        Task task;
        task.shape = shape;
        const auto activations = static_cast<std::uint32_t>(tile_m) * variants;
        task.panel = {activations + static_cast<std::uint32_t>(tile_n) % variants,
                      static_cast<std::uint32_t>(tiles_m_) * variants + static_cast<std::uint32_t>(tile_n), 0};
        launch.tasks.push_back(task);
      }
    }
    return launch;
  }

 private:
  /// Units of each row; kernels that deal units out evenly see rows of equal length.
  RowCounts walked_counts() const {
    RowCounts counts = size_.row_counts(context_.seed);
    if (constants_.balanced <= 0) return counts;
    const auto rows = static_cast<std::int64_t>(counts.units.size());
    const std::int64_t total = counts.total();
    for (std::int64_t row = 0; row < rows; ++row)
      counts.units[static_cast<std::size_t>(row)] =
          static_cast<std::int32_t>(total * (row + 1) / rows - total * row / rows);
    return counts;
  }

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
    const auto rows = static_cast<std::int64_t>(counts_.units.size());
    const std::int64_t first = tile_n * groups_, last = std::min(first + groups_, rows);
    RowsTaskKind kind{.rows = last - first, .edge = edge};
    for (std::int64_t row = first; row < last; ++row) {
      const std::int64_t units = counts_.units[static_cast<std::size_t>(row)];
      kind.longest = std::max(kind.longest, units);
      kind.all += units;
    }
    const auto [entry, fresh] = known_.try_emplace(kind, static_cast<std::uint32_t>(known_.size()));
    if (fresh) launch.shapes.push_back(make_shape(kind.longest, kind.all, kind.rows, edge));
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
    add_streams(shape, units, static_cast<double>(rows), width);
    add_work(shape, units, static_cast<double>(rows), units_per_step, width);
    const double outputs = static_cast<double>(rows * size_.block_n) * width;
    shape.store_bytes = outputs * std::max(2.0, activation_bytes_);
    // Tasks of equal numbers of units begin and end inside rows: those are added up in L2.
    if (constants_.balanced > 0) shape.scratch_bytes = 2 * static_cast<double>(size_.block_n) * width * 4;
    shape.prologue_cycles = constants_.prologue_cycles + steps * exposed_cycles(shape);
    shape.epilogue_cycles = constants_.epilogue_cycles;
    return shape;
  }

  /// What a task waits per step beyond its own time in the pipes, which it leaves to others.
  double exposed_cycles(const TaskShape& shape) const {
    const auto& cycles = shape.cycles_per_step;
    return std::max(0.0, constants_.step_latency_cycles - *std::max_element(cycles.begin(), cycles.end()));
  }

  void add_streams(TaskShape& shape, double units, double rows, double width) const {
    const Memory& memory = substrate_.memory;
    const double row_bytes = width * activation_bytes_;
    const double gathered = units * static_cast<double>(size_.block_k);
    // Gathered rows are found in the first-level cache as often as it holds the tile's whole operand; but each unit
    // reads what its tasks name once.
    const double operand = static_cast<double>(size_.k) * row_bytes;
    const double missed = 1 - std::min(1.0, constants_.l1_share * memory.l1_bytes / operand);
    const double tasks = std::ceil(static_cast<double>(counts_.units.size()) / static_cast<double>(groups_));
    const double cold = operand * std::min(1.0, substrate_.compute.units / tasks) / std::max(1, shape.steps);
    const double once = std::min(cold, gathered * row_bytes);
    const double lines = gathered * round_up(row_bytes, memory.sector) * missed;
    shape.streams.reserve(2);
    shape.streams.push_back({std::max(gathered * row_bytes * missed, once), std::max(lines, once), true, 1});
    double stored = units * unit_bytes_;
    if (!ideal_.metadata) stored += rows * constants_.row_bytes / std::max(1, shape.steps);
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
      macs = round_up(slots * height * types_.halves, constants_.matrix_rows * columns * units_per_step) * full_width *
             round_up(columns, constants_.matrix_depth) / columns;
    if (ideal_.padding) macs = units * columns * height * width;
    shape.issued_macs = macs * shape.steps;
    const double issue = ideal_.metadata ? 0 : rows * units_per_step * constants_.item_cycles;
    const double gathered_bytes = slots * full_width * activation_bytes_;
    const double once = constants_.task_cycles + (types_.halves > 1 ? constants_.halves_cycles : 0);
    shape.cycles_per_step[static_cast<int>(Pipe::vector)] =
        issue + gathered_bytes * constants_.byte_cycles + once / std::max(1, shape.steps);
    add_multiplies(shape, size_, constants_, macs, substrate_);
  }

  const SpmmSize& size_;
  const Kernel& kernel_;
  const LowerContext& context_;
  const Substrate& substrate_;
  const Ideal ideal_;
  const SpmmConstants constants_;
  const OperandTypes types_;
  const double activation_bytes_;  // of one element
  const RowCounts counts_;
  const std::int64_t groups_;  // rows of units per task
  const std::int64_t tiles_m_;
  const double unit_bytes_;                    // of a stored unit with its coordinates
  std::pmr::monotonic_buffer_resource arena_;  // of the map, which has an entry for each kind of task
  std::pmr::unordered_map<RowsTaskKind, std::uint32_t, RowsTaskKindHash> known_{&arena_};
};

}  // namespace

Launch lower_spmm_rows(const SpmmSize& size, const Kernel& kernel, const LowerContext& context) {
  return RowsLowering(size, kernel, context).lower();
}

}  // namespace sparsesim
