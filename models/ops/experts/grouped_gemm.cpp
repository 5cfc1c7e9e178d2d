#include "models/ops/experts/grouped_gemm.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/limits.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

// Tasks of a launch at most, in waves of the resident ones: more are bundled, several columns of tiles to one task.
constexpr double kWaves = 6;
constexpr double kFewestTasks = 2000;

struct RowBlock {
  std::uint32_t expert;  // counted among those with rows
  int rows;              // of tokens
  int loaded;            // with the empty rows of a static buffer
};

std::vector<RowBlock> row_blocks(const GroupedSize& size, int tile_m, const Ideal& ideal) {
  const std::int64_t step = size.naive ? 1 : tile_m;
  const std::int64_t padded = ideal.padding ? 0 : size.padded_rows;
  double count = 0;
  for (const std::int64_t rows : size.counts) count += static_cast<double>(ceil_div(std::max(rows, padded), step));
  require_at_most(count, kTasksMost, "row tiles of a grouped product");
  std::vector<RowBlock> blocks;
  std::uint32_t expert = 0;
  for (const std::int64_t rows : size.counts) {
    std::int64_t left = rows, loaded = std::max(left, padded);
    if (loaded == 0) continue;
    for (; loaded > 0; left -= step, loaded -= step)
      blocks.push_back({expert, static_cast<int>(std::clamp<std::int64_t>(left, 0, step)),
                        static_cast<int>(std::min(loaded, step))});
    ++expert;
  }
  return blocks;
}

/// Builds the launch of one grouped product, tile by tile.
class Builder {
 public:
  Builder(const GroupedSize& size, const MoeTile& tile, const Kernel& kernel, const Substrate& substrate,
          const Ideal& ideal)
      : size_(size),
        tile_(tile),
        substrate_(substrate),
        ideal_(ideal),
        constants_(grouped_constants(kernel)),
        bytes_(element_bytes(size.dtype)),
        weight_bytes_(size.weights.any() ? size.weights.bytes_per_weight() : bytes_),
        result_bytes_(size.weights.any() ? 2 : bytes_) {
    launch_.name = "grouped_gemm";
    launch_.kernel = kernel.name;
    launch_.dtype = size.dtype;
    launch_.dram_share = constants_.dram_share;
    launch_.fixed_seconds = substrate.dispatch.graph_node + substrate.dispatch.grid_start + constants_.start_us * 1e-6;
    launch_.tasks_per_unit = resident();
    if (tile.k * bytes_ < substrate.memory.line) launch_.dram_share *= constants_.short_row_dram_share;
  }

  Launch build() {
    blocks_ = row_blocks(size_, tile_.m, ideal_);
    columns_ = ceil_div(size_.n, tile_.n);
    const double live = static_cast<double>(blocks_.size()) * static_cast<double>(columns_);
    const double slots = static_cast<double>(launch_.tasks_per_unit) * substrate_.compute.units;
    const double most = std::max(kFewestTasks, kWaves * slots);
    bundle_ = std::clamp<std::int64_t>(static_cast<std::int64_t>(live / most), 1, columns_);
    const std::int64_t grid_blocks = size_.naive ? 0 : ceil_div(size_.grid_rows, tile_.m);
    const double dead = static_cast<double>(grid_blocks - static_cast<std::int64_t>(blocks_.size()));
    launch_.dead_tasks = ideal_.padding ? 0 : std::max(0.0, dead * static_cast<double>(columns_));
    const auto bundles = ceil_div(columns_, bundle_);
    const auto group = static_cast<std::size_t>(std::max(1, tile_.group));
    for (std::size_t first = 0; first < blocks_.size(); first += group)
      for (std::int64_t b = 0; b < bundles; ++b)
        for (std::size_t i = first; i < std::min(first + group, blocks_.size()); ++i) add(i, b, bundles);
    return std::move(launch_);
  }

 private:
  // Resident tasks by scratchpad, registers, threads and slots of a unit.
  int resident() const {
    const double threads = 32.0 * tile_.warps;
    const double scratch = static_cast<double>(tile_.stages) * (tile_.m + tile_.n) * tile_.k * bytes_ + 1024;
    const double accumulators = static_cast<double>(tile_.m) * tile_.n / threads;
    const double registers = std::min(255.0, accumulators + constants_.registers_base) * 4 * threads;
    const Compute& compute = substrate_.compute;
    const double most = std::min({compute.scratchpad_bytes / scratch, compute.registers_bytes / registers,
                                  static_cast<double>(compute.threads_per_unit) / threads,
                                  static_cast<double>(compute.tasks_per_unit)});
    return std::max(1, static_cast<int>(most));
  }

  double step_cycles() const {
    const Pipes& pipes = substrate_.compute.pipes;
    const TensorRate& unit = pipes.tensor.at(size_.dtype);
    double rate = unit.dense * fp32_share(unit) * pipes.tensor_sustained * constants_.tensor_share;
    if (!warp_groups()) rate *= constants_.narrow_rate;
    double cycles = 2.0 * tile_.m * tile_.n * tile_.k / rate;
    if (warp_groups() && pipes.operand_bandwidth > 0)
      cycles = std::max(cycles, scratchpad_bytes() / pipes.operand_bandwidth);
    return cycles + constants_.step_overhead_cycles;
  }

  // Whether the tile runs on the instruction that a group of four warps shares: 64 rows, operands in the scratchpad.
  bool warp_groups() const { return constants_.wide_rows > 0 && tile_.m >= constants_.wide_rows; }

  // Through the scratchpad's port in a step: both operands are written once and read by every instruction that
  // multiplies them. Groups stand along the rows first. Source: Triton, AccelerateMatmul.cpp, warpsPerTileV3.
  double scratchpad_bytes() const {
    const double row_groups = std::max(1.0, tile_.m / constants_.wide_rows);
    const double column_groups = std::max(1.0, tile_.warps / 4 / row_groups);
    return ((1 + column_groups) * tile_.m + (1 + row_groups) * tile_.n) * tile_.k * bytes_;
  }

  // A dependent chain of multiplies behind a barrier: what a lone task waits per step beyond the pipe's own time.
  double exposed_cycles() const {
    const double deep = substrate_.compute.pipes.tensor.at(size_.dtype).step_k;
    const double chain =
        constants_.step_latency_cycles + tile_.k / std::max(1.0, deep) * constants_.multiply_latency_cycles;
    return std::max(0.0, chain - step_cycles());
  }

  // Bytes that the launch reads again and again: its rows, and the weights of one expert.
  double row_footprint() const { return size_.source_rows * static_cast<double>(size_.k) * bytes_; }
  double weight_footprint() const {
    return static_cast<double>(size_.n) * static_cast<double>(size_.k) * weight_bytes_;
  }

  // Of the reads of a footprint, those that the near side of a partitioned cache does not hold.
  double far_share(double footprint, int sharers) const {
    const Memory& memory = substrate_.memory;
    if (memory.l2_partitions < 2 || footprint <= 0) return 0;
    return 1 - std::min(1.0, memory.l2_bytes / memory.l2_partitions / sharers / footprint);
  }

  // Columns of tiles in this bundle run one after the other: `tiles` main loops in a row, whose row panel comes from
  // DRAM once and from L2 for every later tile.
  TaskShape shape(int rows, int loaded, std::int64_t tiles, double columns) const {
    TaskShape shape;
    const double per_loop = static_cast<double>(ceil_div(size_.k, tile_.k));
    const double loops = static_cast<double>(tiles);
    shape.steps = step_count(per_loop * loops, "steps of one task of a grouped product");
    shape.stages = std::max(1, tile_.stages - 1);  // one buffer is being multiplied, the others are in flight
    const double depth = static_cast<double>(size_.k) / per_loop;
    const double row_bytes = loaded * depth * bytes_;
    const double weight_bytes = columns / loops * depth * weight_bytes_;
    const double again = row_bytes * (loops - 1) / loops;
    // Bytes from the far side take longer: they count as more of them at L2 and at the port.
    const double crossing = row_bytes * far_share(row_footprint(), 1) + weight_bytes * far_share(weight_footprint(), 2);
    const double again_lines = again + crossing * constants_.crossing_cost;
    shape.streams = {{row_bytes / loops, row_bytes / loops, true}, {weight_bytes, weight_bytes, true}};
    if (again_lines > 0) shape.streams.push_back({again, again_lines, true});
    const double clock = substrate_.compute.clock;
    const double index = ideal_.metadata ? 0 : constants_.index_loads * substrate_.memory.l2_far_latency * clock;
    shape.prologue_cycles = (constants_.prologue_cycles + index) * loops + exposed_cycles() * shape.steps;
    shape.store_bytes = loaded * columns * result_bytes_;
    shape.epilogue_cycles = constants_.epilogue_cycles * loops + static_cast<double>(tile_.m) * columns *
                                                                     result_bytes_ /
                                                                     constants_.epilogue_bytes_per_cycle;
    shape.useful_macs = rows * columns * static_cast<double>(size_.k);
    shape.issued_macs = static_cast<double>(tile_.m) * tile_.n * tile_.k * shape.steps;
    double share = 1;
    if (ideal_.padding && shape.useful_macs > 0) {
      share = shape.useful_macs / shape.issued_macs;
      shape.issued_macs = shape.useful_macs;
    }
    shape.cycles_per_step[static_cast<int>(Pipe::tensor)] = step_cycles() * share;
    return shape;
  }

  void add(std::size_t block, std::int64_t bundle, std::int64_t bundles) {
    const std::int64_t first = bundle * bundle_;
    const std::int64_t tiles = std::min(bundle_, columns_ - first);
    const auto columns = static_cast<double>(std::min(size_.n, (first + tiles) * tile_.n) - first * tile_.n);
    const auto [expert, rows, loaded] = blocks_[block];
    const auto [entry, fresh] =
        shapes_.try_emplace({rows, loaded, tiles, columns}, static_cast<std::uint32_t>(launch_.shapes.size()));
    if (fresh) launch_.shapes.push_back(shape(rows, loaded, tiles, columns));
    Task task;
    task.shape = entry->second;
    const auto row_panel = static_cast<std::uint32_t>(block);
    const auto weights = static_cast<std::uint32_t>(blocks_.size()) + expert * static_cast<std::uint32_t>(bundles) +
                         static_cast<std::uint32_t>(bundle);
    task.panel = {row_panel, weights, row_panel};
    launch_.tasks.push_back(task);
  }

  const GroupedSize& size_;
  const MoeTile tile_;
  const Substrate& substrate_;
  const Ideal ideal_;
  const GroupedConstants constants_;
  const double bytes_, weight_bytes_, result_bytes_;
  std::vector<RowBlock> blocks_;
  std::int64_t columns_ = 1, bundle_ = 1;
  std::map<std::tuple<int, int, std::int64_t, double>, std::uint32_t> shapes_;
  Launch launch_;
};

bool has(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

const Kernel& find_grouped_kernel(const Substrate& substrate, const std::string& name, const std::string& dtype,
                                  bool stand_in) {
  const Kernel* first = nullptr;
  for (const Kernel& kernel : substrate.kernels) {
    if (kernel.op != "grouped_gemm" || !has(kernel.dtypes, dtype)) continue;
    if (kernel.name.starts_with(name)) return kernel;
    if (!first) first = &kernel;
  }
  if (!first || !substrate.compute.pipes.tensor.contains(dtype))
    throw UnsupportedError("no grouped_gemm kernel for " + dtype + " in the kernel library of " + substrate.name);
  if (!stand_in)
    throw UnsupportedError(
        fmt::format("no {} grouped_gemm kernel for {} in the kernel library of {}", name, dtype, substrate.name));
  return *first;
}

GroupedConstants grouped_constants(const Kernel& kernel) {
  using Member = double GroupedConstants::*;
  static constexpr std::array<std::pair<const char*, Member>, 17> kNames = {{
      {"tile_rule", &GroupedConstants::tile_rule},
      {"chunk_tokens", &GroupedConstants::chunk_tokens},
      {"start_us", &GroupedConstants::start_us},
      {"prologue_cycles", &GroupedConstants::prologue_cycles},
      {"index_loads", &GroupedConstants::index_loads},
      {"epilogue_cycles", &GroupedConstants::epilogue_cycles},
      {"epilogue_bytes_per_cycle", &GroupedConstants::epilogue_bytes_per_cycle},
      {"step_overhead_cycles", &GroupedConstants::step_overhead_cycles},
      {"step_latency_cycles", &GroupedConstants::step_latency_cycles},
      {"multiply_latency_cycles", &GroupedConstants::multiply_latency_cycles},
      {"crossing_cost", &GroupedConstants::crossing_cost},
      {"short_row_dram_share", &GroupedConstants::short_row_dram_share},
      {"wide_rows", &GroupedConstants::wide_rows},
      {"narrow_rate", &GroupedConstants::narrow_rate},
      {"tensor_share", &GroupedConstants::tensor_share},
      {"dram_share", &GroupedConstants::dram_share},
      {"registers_base", &GroupedConstants::registers_base},
  }};
  GroupedConstants constants;
  for (const auto& [name, value] : kernel.constants) {
    const auto* row =
        std::find_if(kNames.begin(), kNames.end(), [&known = name](const auto& r) { return known == r.first; });
    if (row == kNames.end())
      throw UnsupportedError("kernel " + kernel.name + ": grouped_gemm knows no constant " + name +
                             " (docs/models/moe.md)");
    constants.*(row->second) = value;
  }
  return constants;
}

Launch lower_grouped(const GroupedSize& size, const MoeTile& tile, const Kernel& kernel, const Substrate& substrate,
                     const Ideal& ideal) {
  return Builder(size, tile, kernel, substrate, ideal).build();
}

}  // namespace sparsesim
