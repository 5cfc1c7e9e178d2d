#include "models/ops/cores/core_spmm.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/weights/spmm_kernels.h"

namespace sparsesim {
namespace {

/// Rows of units of one thread, summed up. `gathered`: units in whole vectors, row by row.
struct RowSums {
  double rows = 0, units = 0, gathered = 0;
  bool uneven = false;
};

RowSums sums_of(std::span<const std::int32_t> counts, double together, bool padding_is_free) {
  RowSums sums;
  sums.rows = static_cast<double>(counts.size());
  for (const std::int32_t count : counts) {
    sums.units += count;
    sums.gathered += padding_is_free ? count : std::ceil(count / together) * together;
    sums.uneven |= count != counts.front();
  }
  return sums;
}

struct Walk {
  const SpmmSize& size;
  const SparseLoop& loop;
  const Core& core;
  const Ideal& ideal;
  double lanes, bytes, block_n, block_k, together;  // together: units of one row of blocks in a register, m = 1
  RowSums sums;

  double padded(double extent, double granule) const {
    return ideal.padding ? extent / granule : std::ceil(extent / granule);
  }
  double stored_bytes() const {
    const double index = ideal.metadata ? 0 : sums.units * loop.index_bytes + sums.rows * loop.row_bytes;
    return sums.units * block_n * block_k * bytes + index;
  }
  /// Cycles of `times` ends of loops per row of units, which nothing hides; one of them is mispredicted where rows
  /// differ.
  double row_ends(double times) const {
    const double miss = sums.uneven ? core.substrate.compute.pipes.branch_miss.value : 0;
    return sums.rows * times * (loop.row_cycles + miss);
  }
};

Walk walk_of(const SpmmSize& size, const SparseLoop& loop, const Core& core, const Ideal& ideal,
             std::span<const std::int32_t> counts) {
  Walk walk{size, loop, core, ideal, core.lanes(size.dtype), element_bytes(size.dtype), 1, 1, 1, {}};
  walk.block_n = static_cast<double>(size.block_n);
  walk.block_k = static_cast<double>(size.block_k);
  walk.together = std::max(1.0, std::floor(walk.lanes / walk.block_n));
  walk.sums = sums_of(counts, walk.together, ideal.padding);
  return walk;
}

/// Cycles per element that a gather adds for lines beyond the nearest cache.
double beyond_cycles(const Core& core, double vector_bytes) {
  const Memory& memory = core.substrate.memory;
  const Residence where = residence(core, {1, vector_bytes, 0}, 0, core.threads());
  const double mid = memory.mid_bytes_per_cycle > 0 ? memory.mid_bytes_per_cycle.value : core.loads_bytes;
  const double far = memory.l2_port > 0 ? memory.l2_port.value : mid;
  return core.line * (where.mid / mid + (where.shared + where.dram) / far);
}

/// One activation per place, values in registers along their row: dense loads, broadcasts or gathers of activations.
void add_single(CoreWork& work, const Walk& walk) {
  const Core& core = walk.core;
  const double activations = static_cast<double>(walk.size.k) * walk.bytes;
  const bool tall = walk.block_n >= walk.lanes, gathers = walk.loop.gathers > 0 && !tall && walk.block_k == 1;
  double vectors = walk.sums.gathered / walk.together;  // registers of values
  if (walk.loop.expands > 0)
    vectors = walk.sums.rows * walk.padded(static_cast<double>(walk.size.k) / 2, walk.lanes);
  else if (tall)
    vectors = walk.sums.units * walk.block_k * walk.padded(walk.block_n, walk.lanes);
  else if (walk.block_k > 1)
    vectors = walk.sums.units * walk.padded(walk.block_k, walk.together);
  const double load = core.vector_bytes / core.loads_bytes;
  const double rate = core.substrate.compute.pipes.gather > 0 ? core.substrate.compute.pipes.gather.value : 1;
  const double beyond = walk.ideal.overfetch ? 0 : beyond_cycles(core, activations);
  // Two dense loads of activations serve the values of one register where half of the columns are stored.
  const double each = gathers                 ? walk.lanes / rate + walk.together * beyond + load
                      : walk.loop.expands > 0 ? 2 * load
                                              : load;
  work.load_cycles += vectors * (each + load);
  work.multiply_cycles += vectors / core.multiplies(walk.size.dtype);
  work.issue_cycles +=
      (vectors * (3 + walk.loop.vector_issue) + walk.sums.units / walk.together * walk.loop.unit_issue) / core.issue;
  work.issued_macs += vectors * walk.lanes;
  work.serial_cycles += walk.row_ends(tall ? std::ceil(walk.block_n / (4 * walk.lanes)) : 1);
}

/// Tiles of results `columns` wide, in registers: each walks the whole row of units.
void add_tiles(CoreWork& work, const Walk& walk, double columns, double stride) {
  const SparseLoop& loop = walk.loop;
  const Core& core = walk.core;
  const double vectors = walk.padded(columns, walk.lanes), whole = std::ceil(columns / walk.lanes);
  const double most = std::min(loop.rows_most * (whole == 1 ? 2 : 1), std::floor(loop.accumulators / whole));
  const double tiles = std::ceil(walk.block_n / std::max(1.0, most)), rows = walk.block_n / tiles;
  const double sets = std::clamp(std::floor(loop.accumulators / (whole * rows)), 1.0, loop.sets_most);
  const double units = walk.sums.units * tiles, steps = units * walk.block_k;
  const double latency = walk.ideal.padding ? 0 : core.multiply_latency / sets;
  work.multiply_cycles += steps * std::max(vectors * rows / core.multiplies(walk.size.dtype), latency);
  work.issued_macs += steps * vectors * walk.lanes * rows;
  // One row of a tile multiplies from memory; several load the activations first.
  const double loads = rows > 1 ? vectors : 0;
  work.issue_cycles +=
      (steps * (vectors * rows + loads + rows + loop.column_issue) + units * loop.unit_issue) / core.issue;
  const Footprint panel{static_cast<double>(walk.size.k), columns * walk.bytes, stride};
  const Residence where = residence(core, panel, 0, core.threads());
  // A broadcast and a number take a load each, whatever their width.
  work.load_cycles += load_cycles(core, where, steps * vectors * core.vector_bytes) +
                      (steps * rows + units) * core.vector_bytes / core.loads_bytes;
  work.shared_bytes += steps * columns * walk.bytes * (where.shared + where.dram);
  work.serial_cycles += walk.row_ends(tiles);
}

/// Panels of activations one after the other, all rows of weights each; wide results in steps that fit the registers.
void add_panels(CoreWork& work, const Walk& walk) {
  const double m = static_cast<double>(walk.size.m), panel = walk.loop.panel_vectors * walk.lanes;
  const double rows = std::min(walk.block_n, walk.loop.rows_most);
  const double step = walk.lanes * std::clamp(std::floor(walk.loop.accumulators / rows), 1.0, walk.loop.panel_vectors);
  double panels = 0;
  for (double begin = 0; begin < m; begin += panel, ++panels)
    for (double left = std::min(panel, m - begin); left > 0; left -= step)
      add_tiles(work, walk, std::min(step, left), m * walk.bytes);
  if (panels <= 1) return;
  // From the second panel on, the weights lie where this thread's share of them fits.
  const Residence where = residence(walk.core, {1, work.cold_bytes, 0}, work.first_bytes, walk.core.threads());
  const double again = (panels - 1) * work.cold_bytes;
  work.shared_bytes += again * where.shared;
  work.cold_bytes += again * where.dram;
}

}  // namespace

SparseLoop sparse_loop(const Kernel& kernel) {
  static constexpr std::array<std::pair<const char*, double SparseLoop::*>, 12> kNames = {{
      {"panel_vectors", &SparseLoop::panel_vectors},
      {"accumulators", &SparseLoop::accumulators},
      {"sets_most", &SparseLoop::sets_most},
      {"rows_most", &SparseLoop::rows_most},
      {"index_bytes", &SparseLoop::index_bytes},
      {"row_bytes", &SparseLoop::row_bytes},
      {"column_issue", &SparseLoop::column_issue},
      {"unit_issue", &SparseLoop::unit_issue},
      {"row_cycles", &SparseLoop::row_cycles},
      {"vector_issue", &SparseLoop::vector_issue},
      {"gathers", &SparseLoop::gathers},
      {"expands", &SparseLoop::expands},
  }};
  SparseLoop loop;
  for (const auto& [name, value] : kernel.constants) {
    const auto row =
        std::find_if(kNames.begin(), kNames.end(), [&key = name](const auto& r) { return key == r.first; });
    if (row != kNames.end())
      loop.*(row->second) = value;
    else if (name != "start_us" && name != "dram_share")
      throw UnsupportedError("kernel " + kernel.name + ": sparse products on cores know no constant " + name +
                             " (docs/models/cores.md)");
  }
  return loop;
}

CoreWork sparse_rows_work(const SpmmSize& size, const SparseLoop& loop, const Core& core, const Ideal& ideal,
                          std::span<const std::int32_t> counts) {
  const Walk walk = walk_of(size, loop, core, ideal, counts);
  const double m = static_cast<double>(size.m);
  CoreWork work;
  work.useful_macs = walk.sums.units * walk.block_n * walk.block_k * m;
  work.cold_bytes = walk.stored_bytes();
  work.first_bytes = m * static_cast<double>(size.k) * walk.bytes;
  work.result_bytes = m * walk.sums.rows * walk.block_n * walk.bytes;
  if (size.m == 1)
    add_single(work, walk);
  else
    add_panels(work, walk);
  return work;
}

Launch lower_cores_spmm(const SpmmSize& size, const LowerContext& context) {
  const Core core = core_of(context.substrate);
  if (size.transposed)
    throw UnsupportedError("no kernel for the product by the transpose on the cores of " + context.substrate.name);
  const RowCounts rows = parse_n_of_m(size.pattern)
                             ? equal_row_counts(size.n, size.k, static_cast<double>(size.n_kept) / size.n_of)
                             : size.row_counts(context.seed);
  std::vector<Launch> launches;
  for (const Kernel* kernel : core_kernels(context.substrate, "cores_spmm", size.pattern, size.dtype, size.kernel)) {
    const SparseLoop loop = sparse_loop(*kernel);
    CorePhase phase;
    const auto threads = static_cast<std::size_t>(core.threads()), all = rows.units.size();
    for (std::size_t thread = 0; thread < threads; ++thread) {
      const std::size_t begin = all * thread / threads, end = all * (thread + 1) / threads;
      phase.push_back(
          sparse_rows_work(size, loop, core, context.ideal, std::span(rows.units).subspan(begin, end - begin)));
    }
    launches.push_back(core_launch("spmm", *kernel, size.dtype, {phase}, context.substrate));
  }
  return fastest_launch(std::move(launches), context.substrate, context.ideal);
}

}  // namespace sparsesim
