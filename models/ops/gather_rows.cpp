#include "models/ops/gather_rows.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/ops/elementwise.h"
#include "models/ops/gather_reuse.h"
#include "models/ops/gemm_kernels.h"
#include "models/ops/limits.h"

namespace sparsesim {
namespace {

// Blocks of a launch at most, unless one wave alone has more; beyond that several blocks in a row are one task.
constexpr double kMostTasks = 4096;
constexpr double kWarp = 32;  // threads that share a row

struct BagConstants {
  double threads, rows_in_flight, trips, random_bytes, dram_share;
  explicit BagConstants(const Kernel& kernel)
      : threads(kernel_constant(kernel, "threads")),
        rows_in_flight(kernel_constant(kernel, "rows_in_flight")),
        trips(kernel_constant(kernel, "trips")),
        random_bytes(kernel_constant(kernel, "random_bytes")),
        dram_share(kernel_constant(kernel, "dram_share")) {}
};

double result_bytes(const BagSize& size) {
  return static_cast<double>(size.dim) * std::max(2.0, element_bytes(size.dtype));
}

/// A random row keeps DRAM as busy as `random_bytes` streamed ones at least: the share of the bandwidth that is left.
double gathering_share(const BagSize& size, const GatherTraffic& traffic, const BagConstants& constants) {
  const double index = traffic.lookups * static_cast<double>(size.index_bytes);
  const double stored = static_cast<double>(size.tables * size.bags) * result_bytes(size);
  const double moved = traffic.dram_bytes() + index + stored;
  const double busy = moved + traffic.misses * std::max(0.0, constants.random_bytes - traffic.fill_bytes);
  return moved / busy;
}

/// Share of a task's rows that no task finds in L2. Rows that are found stand for one panel, which the first task to
/// read it brings: those `rows` are among the misses.
double cold_share(const GatherTraffic& traffic, double rows) {
  if (traffic.lookups <= rows) return traffic.misses / traffic.lookups;
  return std::max(0.0, (traffic.misses - rows) / (traffic.lookups - rows));
}

/// Blocks of bags that run one after the other in one task, a row of each of its warps' bags per step.
TaskShape bag_shape(const BagSize& size, const GatherTraffic& traffic, const BagConstants& constants, double bags,
                    double blocks, const Substrate& substrate, const Ideal& ideal) {
  const double pooling = static_cast<double>(size.pooling), rows = bags * pooling;
  const double cold = cold_share(traffic, rows);
  TaskShape shape;
  shape.steps = step_count(blocks * pooling, "rows that one task gathers in a row");
  shape.stages = static_cast<int>(constants.rows_in_flight);
  const double per_step = rows / shape.steps;
  // L2 hands on whole sectors, fewer than a fill of DRAM brings.
  const double handed_on = ideal.overfetch ? 1 : traffic.sector_bytes / traffic.fill_bytes;
  const auto add_rows = [&](double count, bool held) {
    shape.streams.push_back({count * traffic.row_bytes, count * traffic.fill_bytes, held, handed_on});
  };
  add_rows(per_step * cold, false);
  add_rows(per_step * (1 - cold), true);
  const double index = ideal.metadata ? 0 : static_cast<double>(size.index_bytes);
  const double named = per_step * (index + (size.weighted ? 4 : 0));
  if (named > 0) shape.streams.push_back({named, named, false});
  shape.cycles_per_step[static_cast<int>(Pipe::vector)] =
      2 * per_step * static_cast<double>(size.dim) / substrate.compute.pipes.vector;
  // Offsets, then row numbers: loads that wait for each other before the first row.
  const Memory& memory = substrate.memory;
  shape.prologue_cycles = blocks * constants.trips * memory.l2_far_latency * substrate.compute.clock;
  shape.store_bytes = bags * result_bytes(size);
  return shape;
}

}  // namespace

double touched_bytes(std::int64_t bytes, std::int64_t granule) {
  return static_cast<double>(bytes - std::gcd(bytes, granule) + granule);
}

GatherTraffic gather_traffic(const BagSize& size, const Substrate& substrate) {
  const Memory& memory = substrate.memory;
  GatherTraffic traffic;
  traffic.lookups = size.lookups() * static_cast<double>(size.tables);
  traffic.row_bytes = static_cast<double>(size.dim) * element_bytes(size.dtype);
  const auto row = static_cast<std::int64_t>(std::ceil(traffic.row_bytes));
  traffic.sector_bytes = touched_bytes(row, static_cast<std::int64_t>(memory.sector));
  traffic.fill_bytes = touched_bytes(row, static_cast<std::int64_t>(memory.fill_granule));
  const double capacity = memory.l2_bytes / std::max(1.0, memory.l2_partitions.value) / traffic.fill_bytes;
  traffic.misses =
      RowPopularity(size.rows, size.skew).expected_misses(size.lookups(), capacity) * static_cast<double>(size.tables);
  return traffic;
}

Launch lower_bags(const BagSize& size, const Substrate& substrate, const Ideal& ideal) {
  const Kernel& kernel = find_kernel(substrate, "embedding_bag", size.dtype, "gather");
  const BagConstants constants(kernel);
  const GatherTraffic traffic = gather_traffic(size, substrate);
  const Compute& compute = substrate.compute;
  Launch launch;
  launch.name = "embedding bag";
  launch.kernel = kernel.name;
  launch.dtype = "fp32";
  launch.tasks_per_unit = std::clamp(static_cast<int>(compute.threads_per_unit / constants.threads), 1,
                                     static_cast<int>(compute.tasks_per_unit));
  launch.fixed_seconds = substrate.dispatch.graph_node + substrate.dispatch.grid_start;
  if (!ideal.overfetch) launch.dram_share = constants.dram_share * gathering_share(size, traffic, constants);
  const double warps = constants.threads / kWarp;  // a bag each
  const double bags = static_cast<double>(size.tables * size.bags), blocks = std::ceil(bags / warps);
  const double slots = static_cast<double>(launch.tasks_per_unit) * compute.units;
  const double merged = std::max(1.0, std::ceil(blocks / std::max(slots, kMostTasks)));
  const double whole = std::floor(bags / (merged * warps)), rest = bags - whole * merged * warps;
  launch.shapes.push_back(bag_shape(size, traffic, constants, merged * warps, merged, substrate, ideal));
  launch.tasks.assign(static_cast<std::size_t>(whole), Task{});
  if (rest > 0) {
    launch.shapes.push_back(bag_shape(size, traffic, constants, rest, std::ceil(rest / warps), substrate, ideal));
    launch.tasks.push_back(Task{.shape = 1});
  }
  return launch;
}

}  // namespace sparsesim
