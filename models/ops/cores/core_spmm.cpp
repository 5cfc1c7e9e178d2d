#include "models/ops/cores/core_spmm.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "models/ops/dense/gemm_kernels.h"

namespace sparsesim {
namespace {

/// Rows of units of one thread, summed up. `gathered`: units in whole vectors, row by row.
struct RowSums {
  double rows = 0, units = 0, gathered = 0;
};

RowSums sums_of(std::span<const std::int32_t> counts, double together, bool padding_is_free) {
  RowSums sums;
  sums.rows = static_cast<double>(counts.size());
  for (const std::int32_t count : counts) {
    sums.units += count;
    sums.gathered += padding_is_free ? count : std::ceil(count / together) * together;
  }
  return sums;
}

struct Walk {
  const SpmmSize& size;
  const SparseLoop& loop;
  const Core& core;
  const Ideal& ideal;
  double lanes, bytes, block_n, block_k, together;  // together: units of one row of blocks in a register, m = 1
  double stride;                                    // bytes from a row of activations to the next, where tiles read it
  RowSums sums;

  double padded(double extent, double granule) const {
    return ideal.padding ? extent / granule : std::ceil(extent / granule);
  }
  double stored_bytes() const {
    const double index = ideal.metadata ? 0 : sums.units * loop.index_bytes + sums.rows * loop.row_bytes;
    return sums.units * block_n * block_k * bytes + index;
  }
  /// `times` ends of loops per row of units, each storing so many vectors, one a cycle, after `turns` turns. The same
  /// matrix is met again and again, so that a branch history knows where short loops end; it reaches over so many turns
  /// of a longer one, whose last branch is mispredicted. It waits for no sum, only for its numbers.
  void add_row_ends(CoreWork& work, double times, double stored, double turns) const {
    constexpr double kRemembered = 32;
    const double miss = core.substrate.compute.pipes.branch_miss + core.substrate.memory.l1_latency;
    work.serial_cycles += sums.rows * times * (loop.row_cycles + stored + (turns > kRemembered ? miss : 0));
    work.issue_cycles += sums.rows * times * loop.row_issue / core.issue;
  }
  double units_per_row() const { return sums.rows > 0 ? sums.units / sums.rows : 0; }
  /// Of the activations, what a row of units meets.
  double met() const { return units_per_row() * block_k / static_cast<double>(size.k); }
  /// Bytes of whole lines of a run of activations, all places of a row alike; those of a unit's columns are one run
  /// where nothing lies between.
  double touched(double columns) const { return touched(columns, stride); }
  double touched(double columns, double apart) const {
    const auto run = static_cast<std::int64_t>(columns * bytes);
    const std::int64_t distance = std::llround(apart), line = std::llround(core.line);
    const std::int64_t rows = run == distance ? size.block_k : 1;
    const std::int64_t ends = line - std::gcd(std::gcd(rows * distance, run * rows), line);
    return static_cast<double>(run) + (ideal.overfetch ? 0 : static_cast<double>(ends) / static_cast<double>(rows));
  }
};

Walk walk_of(const SpmmSize& size, const SparseLoop& loop, const Core& core, const Ideal& ideal,
             const SparsePart& part) {
  Walk walk{size, loop, core, ideal, core.lanes(size.dtype), element_bytes(size.dtype), 1, 1, 1, 1, {}};
  walk.stride = loop.copies > 0 && part.width < static_cast<double>(size.m)
                    ? std::ceil(part.width * walk.bytes / core.line) * core.line
                    : static_cast<double>(size.m) * walk.bytes;
  walk.block_n = static_cast<double>(size.block_n);
  walk.block_k = static_cast<double>(size.block_k);
  walk.together = std::max(1.0, std::floor(walk.lanes / walk.block_n));
  walk.sums = sums_of(part.counts, walk.together, ideal.padding);
  return walk;
}

/// Cycles per element that a gather adds for lines beyond the nearest cache.
double beyond_cycles(const Core& core, double vector_bytes) {
  const Memory& memory = core.substrate.memory;
  const Residence where = residence(core, {1, vector_bytes, 0}, 0, core.cores());
  const double mid = memory.mid_bytes_per_cycle > 0 ? memory.mid_bytes_per_cycle.value : core.loads_bytes;
  const double far = memory.l2_port > 0 ? memory.l2_port.value : mid;
  return core.line * (where.mid / mid + (where.shared + where.dram) / far);
}

/// Cycles per gathered element that lies in the nearest cache: by the instruction, or by two loads of a number and an
/// activation, which into vector registers comes no faster than a vector.
double gather_cycles(const Core& core, const SparseLoop& loop, double load) {
  const double rate = core.substrate.compute.pipes.gather;
  if (loop.single_loads <= 0 && rate > 0) return 1 / rate;
  return core.scalar_loads > 0 ? std::max(load, 2 / core.scalar_loads) : 2 * load;
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
  const double beyond = walk.ideal.overfetch ? 0 : beyond_cycles(core, activations);
  // Two dense loads of activations serve the values of one register where half of the columns are stored.
  double each = walk.loop.expands > 0 ? 2 * load : load;
  if (gathers) each = walk.together * (gather_cycles(core, walk.loop, load) + beyond);
  work.load_cycles += vectors * (each + load);
  work.multiply_cycles += vectors * std::max(1 / core.multiplies(walk.size.dtype), walk.loop.vector_cycles);
  work.issue_cycles +=
      (vectors * (3 + walk.loop.vector_issue) + walk.sums.units / walk.together * walk.loop.unit_issue) / core.issue;
  work.issued_macs += vectors * walk.lanes;
  // Lanes added to one sum in their order.
  if (walk.loop.ordered_sums > 0 && !walk.ideal.padding) work.chain_cycles += vectors * walk.lanes * core.add_latency;
  // Two registers of values take turns; tall blocks have a loop for every four registers of their height.
  const double slices = tall ? std::ceil(walk.block_n / (4 * walk.lanes)) : 1;
  walk.add_row_ends(work, slices, 1, walk.sums.rows > 0 ? vectors / walk.sums.rows / slices / 2 : 0);
  // Rows of blocks lower than a register: lanes are dealt out before, and added up after.
  if (!tall && walk.block_n > 1) {
    work.issue_cycles += walk.sums.rows * walk.loop.flat_row_issue / core.issue;
    work.serial_cycles += walk.sums.rows * walk.loop.flat_row_cycles;
  }
}

/// What a row of units takes in the caches while its tiles walk over it: weights by whole lines, and the piece of each
/// activation row that they meet.
struct RowWalk {
  double weight_bytes = 0, activation_bytes = 0;
  double line_share = 1;  // of a line of weights, what one tile reads
};

RowWalk row_walk(const Walk& walk, double rows, double columns) {
  const double units = walk.units_per_row();
  const double line = walk.core.line, column_bytes = walk.block_n * walk.bytes;
  RowWalk row;
  row.weight_bytes = units * (walk.block_k * column_bytes + walk.loop.index_bytes);
  row.activation_bytes = units * walk.block_k * walk.touched(columns);
  row.line_share = std::min(1.0, rows * walk.bytes / std::min(line, column_bytes));
  return row;
}

/// Tiles of results `columns` wide, in registers: each walks the whole row of units.
void add_tiles(CoreWork& work, const Walk& walk, double columns, double width) {
  const SparseLoop& loop = walk.loop;
  const Core& core = walk.core;
  const double vectors = walk.padded(columns, walk.lanes), whole = std::ceil(columns / walk.lanes);
  const double fit = std::floor((core.registers - 1) / whole) - 1;  // results, activations and one weight
  const double most = std::clamp(loop.rows_most * (whole == 1 ? 2 : 1), 1.0, std::max(1.0, fit));
  const double tiles = std::ceil(walk.block_n / most), rows = walk.block_n / tiles;
  const double sets = std::clamp(std::floor(loop.accumulators / (whole * rows)), 1.0, loop.sets_most);
  const double units = walk.sums.units * tiles, steps = units * walk.block_k;
  work.multiply_cycles += steps * vectors * rows / core.multiplies(walk.size.dtype);
  if (!walk.ideal.padding) work.chain_cycles += steps * core.multiply_latency / sets;
  work.issued_macs += steps * vectors * walk.lanes * rows;
  // One row of a tile multiplies from memory; several load the activations first.
  const double loads = rows > 1 ? vectors : 0;
  work.issue_cycles +=
      (steps * (vectors * rows + loads + rows + loop.column_issue) + units * loop.unit_issue) / core.issue;
  // The first tile of a row of units meets activations that the rows before have left; the next ones what it read.
  const RowWalk row = row_walk(walk, rows, columns);
  const Footprint panel{static_cast<double>(walk.size.k), width * walk.bytes, walk.stride};
  const Footprint slice{row.activation_bytes / walk.touched(columns), walk.touched(columns), walk.stride};
  const Residence first = residence(core, panel, row.weight_bytes, core.cores(), walk.met());
  const Residence next = residence_in_turn(core, slice, row.weight_bytes, core.cores());
  // Their addresses come from numbers: transfers from farther caches do not hide behind the loads, as those of streams.
  const double read = steps * walk.touched(columns);
  work.load_cycles += steps * vectors * core.vector_bytes / core.loads_bytes + far_cycles(core, first, read / tiles) +
                      far_cycles(core, next, read * (tiles - 1) / tiles);
  work.shared_bytes += read / tiles * (first.shared + first.dram);
  // A broadcast and a number take a load each, whatever their width; and lines of weights come again for each tile.
  const double passes = tiles * std::ceil(width / columns);
  const Residence weights = residence_in_turn(core, {1, row.weight_bytes, 0}, row.activation_bytes, core.cores());
  const double again = (passes - 1) / passes, lines = steps * rows * walk.bytes / row.line_share * again;
  if (loop.fetches_ahead <= 0) work.apart_cycles += steps * vectors * rows / core.multiplies(walk.size.dtype) * again;
  work.load_cycles += (steps * rows + units) * core.vector_bytes / core.loads_bytes + far_cycles(core, weights, lines);
  work.serial_cycles += units * loop.unit_cycles;
  walk.add_row_ends(work, tiles, vectors * rows, walk.units_per_row() / sets);
}

/// Results in memory: each stored weight adds a row of activations to a row of results, vector by vector.
void add_in_memory(CoreWork& work, const Walk& walk, double width) {
  const SparseLoop& loop = walk.loop;
  const Core& core = walk.core;
  const double vectors = walk.padded(width, walk.lanes), units = walk.sums.units;
  work.multiply_cycles += units * vectors / core.multiplies(walk.size.dtype);
  work.issued_macs += units * vectors * walk.lanes;
  work.issue_cycles += units * (vectors * loop.memory_issue + loop.unit_issue) / core.issue;
  // A vector of results is stored, and loaded again before the next weight adds to it.
  if (!walk.ideal.padding) work.chain_cycles += units * (core.multiply_latency + loop.forward_cycles);
  const double row_bytes = walk.units_per_row() * (walk.bytes + loop.index_bytes) + 2 * width * walk.bytes;
  const Footprint rows{static_cast<double>(walk.size.k), width * walk.bytes, walk.stride};
  const Residence where = residence(core, rows, row_bytes, core.cores(), walk.met());
  const double read = units * walk.touched(width);
  work.load_cycles += units * (2 * vectors + 2) * core.vector_bytes / core.loads_bytes + far_cycles(core, where, read);
  work.shared_bytes += read * (where.shared + where.dram);
  walk.add_row_ends(work, 1, vectors, walk.units_per_row());
}

/// Columns of a tile of results that fits the registers, of a panel so wide.
double tile_columns(const Walk& walk, double width) {
  const double rows = std::min(walk.block_n, walk.loop.rows_most), registers = walk.core.registers;
  const double fit = std::min(walk.loop.vectors_most, std::floor((registers - 1) / (rows + 1)));
  return std::min(width, walk.lanes * (rows > 1 ? std::max(1.0, fit) : walk.loop.panel_vectors));
}

/// Rows of activations that no neighbour announces are waited for one latency for as many lines as are in flight: each
/// tile of a panel meets its own piece of them.
void add_waits(CoreWork& work, const Walk& walk, const SparsePart& part) {
  const SparseLoop& loop = walk.loop;
  const bool single = walk.size.m == 1;
  const double row_lines = (single ? walk.bytes : walk.touched(part.width)) / walk.core.line;
  const double columns = single ? 1 : tile_columns(walk, part.width), pieces = std::ceil(part.width / columns);
  const double lines = std::max(1.0, row_lines / pieces);  // of a run; several rows of one activation share a line
  const double runs =
      (1 - walk.met()) / walk.block_k * static_cast<double>(walk.size.k) * row_lines / lines / part.sharers;
  double line_issue = 0;
  if (!single && loop.memory_issue <= 0) {
    const double rows = std::min(walk.block_n, loop.rows_most), vectors = std::ceil(columns / walk.lanes);
    const double column = vectors * (rows > 1 ? rows + 1 : 1) + rows + loop.column_issue;
    line_issue = (column + loop.unit_issue / walk.block_k) / lines;
  }
  work.serial_cycles += waiting_cycles(walk.core, runs, lines, line_issue);
  work.waited_bytes = std::min(work.cold_bytes, runs * lines * walk.core.line);
}

/// The panel is read in order before rows of weights meet it: a stream with nothing beside. Prefetchers follow it from
/// line to line; where rows of the panel lie apart, they bring the further lines of a run. A copy of them is written
/// while the next are on their way.
void add_pass(CoreWork& work, const Walk& walk, const SparsePart& part) {
  const Memory& memory = walk.core.substrate.memory;
  const double m = static_cast<double>(walk.size.m), k = static_cast<double>(walk.size.k);
  const double bytes = walk.touched(part.width, m * walk.bytes) * k / part.sharers;
  const bool apart = part.width < m;
  const double streamed = arrival_seconds(walk.core, bytes, walk.core.distance);
  const double further = apart ? bytes / walk.core.line * memory.dram_next_line : 0;
  work.serial_cycles += std::max(streamed, further) * walk.core.substrate.compute.clock;
  work.waited_bytes = std::min(work.cold_bytes, bytes);
}

/// Columns of results that one pass over the weights makes; wide ones in steps that fit the registers.
void add_panel(CoreWork& work, const Walk& walk, double width) {
  const double step = tile_columns(walk, width);
  for (double left = width; left > 0; left -= step) add_tiles(work, walk, std::min(step, left), width);
}

/// From the second panel on, the weights lie where a core's share of them and the activations fit.
void add_weights(CoreWork& work, const Walk& walk, bool first, double passing) {
  const double bytes = walk.stored_bytes();
  if (first) {
    work.cold_bytes += bytes;
    return;
  }
  const Residence where = residence(walk.core, {1, bytes, 0}, passing, walk.core.cores());
  work.shared_bytes += bytes * where.shared;
  work.cold_bytes += bytes * where.dram;
}

}  // namespace

SparseLoop sparse_loop(const Kernel& kernel) {
  static constexpr std::array<std::pair<const char*, double SparseLoop::*>, 25> kNames = {{
      {"panel_vectors", &SparseLoop::panel_vectors},
      {"accumulators", &SparseLoop::accumulators},
      {"sets_most", &SparseLoop::sets_most},
      {"rows_most", &SparseLoop::rows_most},
      {"index_bytes", &SparseLoop::index_bytes},
      {"row_bytes", &SparseLoop::row_bytes},
      {"column_issue", &SparseLoop::column_issue},
      {"unit_issue", &SparseLoop::unit_issue},
      {"unit_cycles", &SparseLoop::unit_cycles},
      {"row_cycles", &SparseLoop::row_cycles},
      {"row_issue", &SparseLoop::row_issue},
      {"flat_row_cycles", &SparseLoop::flat_row_cycles},
      {"flat_row_issue", &SparseLoop::flat_row_issue},
      {"vector_cycles", &SparseLoop::vector_cycles},
      {"memory_issue", &SparseLoop::memory_issue},
      {"forward_cycles", &SparseLoop::forward_cycles},
      {"ordered_sums", &SparseLoop::ordered_sums},
      {"vector_issue", &SparseLoop::vector_issue},
      {"gathers", &SparseLoop::gathers},
      {"single_loads", &SparseLoop::single_loads},
      {"vectors_most", &SparseLoop::vectors_most},
      {"expands", &SparseLoop::expands},
      {"chunk_rows", &SparseLoop::chunk_rows},
      {"fetches_ahead", &SparseLoop::fetches_ahead},
      {"copies", &SparseLoop::copies},
  }};
  SparseLoop loop;
  read_core_constants(kernel, kNames, loop);
  return loop;
}

CoreWork sparse_rows_work(const SpmmSize& size, const SparseLoop& loop, const Core& core, const Ideal& ideal,
                          const SparsePart& part) {
  const Walk walk = walk_of(size, loop, core, ideal, part);
  const double panel_bytes = part.width * static_cast<double>(size.k) * walk.bytes;
  CoreWork work;
  work.useful_macs = walk.sums.units * walk.block_n * walk.block_k * part.width;
  work.result_bytes = part.width * walk.sums.rows * walk.block_n * walk.bytes;
  add_weights(work, walk, part.first_panel, panel_bytes);
  add_first_read(work, panel_bytes, part.sharers, core);
  if (loop.fetches_ahead > 0 && size.m > 1)
    add_pass(work, walk, part);
  else
    add_waits(work, walk, part);
  if (size.m == 1)
    add_single(work, walk);
  else if (loop.memory_issue > 0)
    add_in_memory(work, walk, part.width);
  else
    add_panel(work, walk, part.width);
  return work;
}

}  // namespace sparsesim
