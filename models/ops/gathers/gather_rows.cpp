#include "models/ops/gathers/gather_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "models/ops/constant_bounds.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/gathers/gather_reuse.h"
#include "models/ops/limits.h"

namespace sparsesim {
namespace {

// Blocks of a launch at most, unless one wave alone has more; beyond that several blocks in a row are one task.
constexpr double kMostTasks = 4096;
constexpr double kWarp = 32;  // threads that share a row
constexpr double kWeightBytes = 4;

struct BagConstants {
  double threads, rows_in_flight, trips, random_bytes, dram_share;
  explicit BagConstants(const Kernel& kernel)
      : threads(constant_at_least(kernel, "threads", kWarp)),
        rows_in_flight(constant_at_least(kernel, "rows_in_flight", 1)),
        trips(kernel_constant(kernel, "trips")),
        random_bytes(kernel_constant(kernel, "random_bytes")),
        dram_share(constant_at_least(kernel, "dram_share", kLeastShare)) {}
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

/// What one task does: blocks of bags one after the other, a row of each of a block's bags per step.
struct BagWork {
  double bags = 0, rows = 0, blocks = 0, steps = 0;
};

class BagLowering {
 public:
  BagLowering(const BagSize& size, const Kernel& kernel, const Substrate& substrate, const Ideal& ideal)
      : size_(size),
        kernel_(kernel),
        substrate_(substrate),
        ideal_(ideal),
        constants_(kernel),
        traffic_(gather_traffic(size, substrate)),
        warps_(static_cast<std::int64_t>(constants_.threads / kWarp)) {}

  Launch lower() {
    const Compute& compute = substrate_.compute;
    Launch launch;
    launch.name = "embedding bag";
    launch.kernel = kernel_.name;
    launch.dtype = "fp32";
    launch.tasks_per_unit = std::clamp(static_cast<int>(compute.threads_per_unit / constants_.threads), 1,
                                       static_cast<int>(compute.tasks_per_unit));
    launch.fixed_seconds = substrate_.dispatch.graph_node + substrate_.dispatch.grid_start;
    if (!ideal_.overfetch) launch.dram_share = constants_.dram_share * gathering_share(size_, traffic_, constants_);
    const std::vector<BagWork> tasks = split(static_cast<double>(launch.tasks_per_unit) * compute.units);
    for (const BagWork& work : tasks) most_rows_ = std::max(most_rows_, work.rows);
    std::map<std::array<double, 4>, std::uint32_t> shapes;
    for (const BagWork& work : tasks) {
      const auto next = static_cast<std::uint32_t>(shapes.size());
      const auto [shape, fresh] = shapes.try_emplace({work.bags, work.rows, work.blocks, work.steps}, next);
      if (fresh) launch.shapes.push_back(make_shape(work));
      launch.tasks.push_back(Task{.shape = shape->second});
    }
    return launch;
  }

 private:
  /// A bag per warp; several blocks to a task where there are many more of them than `slots`.
  std::vector<BagWork> split(double slots) const {
    const std::int64_t bags = size_.tables * size_.bags;
    if (size_.trace) require_at_most(static_cast<double>(bags), kTasksMost, "bags of a trace, over all tables");
    const double blocks = std::ceil(static_cast<double>(bags) / static_cast<double>(warps_));
    const auto merged = static_cast<std::int64_t>(std::max(1.0, std::ceil(blocks / std::max(slots, kMostTasks))));
    std::vector<BagWork> tasks;
    for (std::int64_t first = 0; first < bags; first += merged * warps_)
      tasks.push_back(work_of(first, std::min(first + merged * warps_, bags)));
    return tasks;
  }

  /// The bags of a block advance together: it takes as many steps as the longest has rows.
  BagWork work_of(std::int64_t first, std::int64_t last) const {
    BagWork work;
    work.bags = static_cast<double>(last - first);
    work.blocks = std::ceil(work.bags / static_cast<double>(warps_));
    if (!size_.trace) {
      work.rows = work.bags * static_cast<double>(size_.pooling);
      work.steps = work.blocks * static_cast<double>(size_.pooling);
      return work;
    }
    const std::vector<std::int64_t>& lengths = size_.trace->bags;
    for (std::int64_t block = first; block < last; block += warps_) {
      std::int64_t longest = 0;
      for (std::int64_t bag = block; bag < std::min(block + warps_, last); ++bag) {
        const std::int64_t length = lengths[static_cast<std::size_t>(bag) % lengths.size()];
        work.rows += static_cast<double>(length);
        longest = std::max(longest, length);
      }
      work.steps += static_cast<double>(longest);
    }
    return work;
  }

  /// Share of the rows that no task finds in L2. Rows that are found stand for one panel, which the first task to read
  /// it brings: as many as one task reads are among the misses.
  double cold_share() const {
    if (traffic_.lookups <= most_rows_) return traffic_.misses / traffic_.lookups;
    return std::max(0.0, (traffic_.misses - most_rows_) / (traffic_.lookups - most_rows_));
  }

  TaskShape make_shape(const BagWork& work) const {
    TaskShape shape;
    shape.steps = step_count(work.steps, "rows that one task gathers in a row");
    shape.stages = static_cast<int>(constants_.rows_in_flight);
    const double per_step = work.rows / std::max(1, shape.steps), cold = per_step * cold_share();
    add_rows(shape, cold, false);
    add_rows(shape, per_step - cold, true);
    const double index = ideal_.metadata ? 0 : static_cast<double>(size_.index_bytes);
    const double named = per_step * (index + (size_.weighted ? kWeightBytes : 0));
    shape.streams.push_back({named, named, false});
    shape.cycles_per_step[static_cast<int>(Pipe::vector)] =
        2 * per_step * static_cast<double>(size_.dim) / substrate_.compute.pipes.vector;
    // Offsets, then row numbers: loads that wait for each other before the first row.
    const double trips = ideal_.metadata ? 0 : work.blocks * constants_.trips;
    shape.prologue_cycles = trips * substrate_.memory.l2_far_latency * substrate_.compute.clock;
    shape.store_bytes = work.bags * result_bytes(size_);
    return shape;
  }

  /// L2 hands on whole sectors, fewer than a fill of DRAM brings.
  void add_rows(TaskShape& shape, double count, bool held) const {
    const double handed_on = ideal_.overfetch ? 1 : traffic_.sector_bytes / traffic_.fill_bytes;
    shape.streams.push_back({count * traffic_.row_bytes, count * traffic_.fill_bytes, held, handed_on});
  }

  const BagSize& size_;
  const Kernel& kernel_;
  const Substrate& substrate_;
  const Ideal ideal_;
  const BagConstants constants_;
  const GatherTraffic traffic_;
  const std::int64_t warps_;
  double most_rows_ = 0;  // of a task
};

}  // namespace

double BagSize::lookups() const {
  return trace ? static_cast<double>(trace->lookups) : static_cast<double>(bags) * static_cast<double>(pooling);
}

double BagSize::distinct_rows() const {
  return trace ? static_cast<double>(trace->distinct) : RowPopularity(rows, skew).expected_distinct(lookups());
}

double BagSize::misses(double capacity) const {
  return trace ? static_cast<double>(trace->misses(static_cast<std::int64_t>(capacity)))
               : RowPopularity(rows, skew).expected_misses(lookups(), capacity);
}

double BagSize::scan_mispredictions() const {
  return RowPopularity(rows, trace ? 0 : skew).expected_mispredictions(lookups());
}

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
  const double capacity = std::max<double>(shared_l2_bytes(memory), memory.side_bytes) / traffic.fill_bytes;
  traffic.misses = size.misses(capacity) * static_cast<double>(size.tables);
  return traffic;
}

Launch lower_bags(const BagSize& size, const Substrate& substrate, const Ideal& ideal) {
  return BagLowering(size, find_kernel(substrate, "embedding_bag", size.dtype, "gather"), substrate, ideal).lower();
}

}  // namespace sparsesim
