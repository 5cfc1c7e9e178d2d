#include "models/ops/products/spgemm_launch.h"

#include <algorithm>
#include <array>
#include <utility>

#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/limits.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

using SpgemmMember = double SpgemmConstants::*;
constexpr std::array<std::pair<const char*, SpgemmMember>, 27> kSpgemmNames = {{
    {"value_bytes", &SpgemmConstants::value_bytes},
    {"index_bytes", &SpgemmConstants::index_bytes},
    {"pointer_bytes", &SpgemmConstants::pointer_bytes},
    {"dram_share", &SpgemmConstants::dram_share},
    {"start_us", &SpgemmConstants::start_us},
    {"element_cycles", &SpgemmConstants::element_cycles},
    {"fiber_cycles", &SpgemmConstants::fiber_cycles},
    {"row_cycles", &SpgemmConstants::row_cycles},
    {"passes", &SpgemmConstants::passes},
    {"radix", &SpgemmConstants::radix},
    {"cache_share", &SpgemmConstants::cache_share},
    {"chunk_bytes", &SpgemmConstants::chunk_bytes},
    {"fiber_trips", &SpgemmConstants::fiber_trips},
    {"row_trips", &SpgemmConstants::row_trips},
    {"list_trips", &SpgemmConstants::list_trips},
    {"place_cycles", &SpgemmConstants::place_cycles},
    {"lists_most", &SpgemmConstants::lists_most},
    {"lines_in_flight", &SpgemmConstants::lines_in_flight},
    {"merging_share", &SpgemmConstants::merging_share},
    {"tile", &SpgemmConstants::tile},
    {"rows_most", &SpgemmConstants::rows_most},
    {"depth_most", &SpgemmConstants::depth_most},
    {"columns_most", &SpgemmConstants::columns_most},
    {"skip_cycles", &SpgemmConstants::skip_cycles},
    {"segment_bytes", &SpgemmConstants::segment_bytes},
    {"tile_bytes", &SpgemmConstants::tile_bytes},
    {"held_share", &SpgemmConstants::held_share},
}};

constexpr double kTasksPerUnit = 16;
constexpr double kTasksWanted = 4096;
constexpr int kPieceSteps = 16;

void require_constant(const Kernel& kernel, bool good, const char* rule) {
  if (!good) throw UnsupportedError("kernel " + kernel.name + ": " + rule + " (docs/models/spgemm.md)");
}

}  // namespace

SpgemmConstants spgemm_constants(const Kernel& kernel) {
  SpgemmConstants constants;
  for (const auto& [name, value] : kernel.constants) {
    const auto row = std::find_if(kSpgemmNames.begin(), kSpgemmNames.end(),
                                  [&key = name](const auto& known) { return key == known.first; });
    require_constant(kernel, row != kSpgemmNames.end(), ("sparse products know no constant " + name).c_str());
    constants.*(row->second) = value;
  }
  require_constant(kernel, constants.radix == 0 || constants.radix >= 2, "radix is 2 or more, or 0");
  require_constant(kernel, constants.lists_most >= 2, "lists_most is 2 or more");
  require_constant(kernel, constants.tile >= 2 && constants.tile <= 4096, "tile is 2 to 4096");
  require_constant(kernel, constants.merging_share > 0 && constants.merging_share <= 1, "merging_share is above 0");
  require_constant(kernel, constants.lines_in_flight >= 1, "lines_in_flight is at least 1");
  return constants;
}

double entry_bytes(const SpgemmConstants& constants, const SpgemmSize& size, const Ideal& ideal) {
  const double value = constants.value_bytes > 0 ? constants.value_bytes : element_bytes(size.dtype);
  return value + (ideal.metadata ? 0 : constants.index_bytes);
}

SpgemmPiece& SpgemmPiece::operator+=(const SpgemmPiece& other) {
  cycles += other.cycles;
  wait += other.wait;
  read += other.read;
  lines += other.lines;
  found += other.found;
  store += other.store;
  products += other.products;
  issued += other.issued;
  return *this;
}

SpgemmTasks::SpgemmTasks(std::string name, const Kernel& kernel, const SpgemmConstants& constants,
                         const SpgemmSize& size, const SpgemmPiece& all, const LowerContext& context) {
  const Substrate& substrate = context.substrate;
  const double units = substrate.compute.units;
  launch_.name = std::move(name);
  launch_.kernel = kernel.name;
  launch_.dtype = size.dtype;
  launch_.tasks_per_unit = kernel.tasks_per_unit;
  launch_.persistent = true;
  launch_.dram_share = constants.dram_share;
  launch_.fixed_seconds = substrate.dispatch.graph_node + substrate.dispatch.grid_start + constants.start_us * 1e-6;
  bytes_per_cycle_ = substrate.memory.dram_achieved / substrate.compute.clock / units;
  weight_per_task_ = weight(all) / std::max(kTasksWanted, units * kTasksPerUnit);
}

double SpgemmTasks::weight(const SpgemmPiece& piece) const {
  return piece.cycles + piece.wait + (piece.lines + piece.store) / bytes_per_cycle_;
}

void SpgemmTasks::add(const SpgemmPiece& piece) {
  open_ += piece;
  if (weight(open_) >= weight_per_task_) close();
}

void SpgemmTasks::close() {
  TaskShape shape;
  shape.steps = kPieceSteps;
  shape.stages = kPieceSteps;  // what comes is known beforehand
  shape.cycles_per_step[static_cast<int>(Pipe::vector)] = open_.cycles / kPieceSteps;
  shape.prologue_cycles = open_.wait;
  shape.streams.push_back({open_.read / kPieceSteps, open_.lines / kPieceSteps, false});
  if (open_.found > 0) {
    Stream found{open_.found / kPieceSteps, open_.found / kPieceSteps, false};
    found.resident = true;
    shape.streams.push_back(found);
  }
  shape.store_bytes = open_.store;
  shape.useful_macs = open_.products;
  shape.issued_macs = open_.issued;
  Task task;
  task.shape = static_cast<std::uint32_t>(launch_.shapes.size());
  launch_.shapes.push_back(std::move(shape));
  launch_.tasks.push_back(task);
  open_ = {};
}

Launch SpgemmTasks::finish() {
  if (weight(open_) > 0 || launch_.tasks.empty()) close();
  require_at_most(real(static_cast<std::int64_t>(launch_.tasks.size())), kTasksMost, "tasks of a sparse product");
  return std::move(launch_);
}

}  // namespace sparsesim
