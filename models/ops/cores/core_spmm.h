#pragma once
// Products with sparse weights on cores: stored units walked row by row, results in registers.

#include <cstdint>
#include <span>

#include "models/ops/cores/core.h"
#include "models/ops/op.h"
#include "models/ops/weights/spmm.h"

namespace sparsesim {

/// How a kernel (op `cores_spmm`) walks units of [rows, columns] weights (docs/models/cores.md).
struct SparseLoop {
  double panel_vectors = 1;    // of a row of results, in registers at a time
  double accumulators = 1;     // registers that hold results of one row, sets that take turns counted
  double sets_most = 1;        // partial sums of one result
  double vectors_most = 4;     // of a tile of several rows, if the registers hold them
  double rows_most = 1;        // rows of a tile; twice as many where it is one vector wide
  double index_bytes = 4;      // of a stored unit
  double row_bytes = 4;        // of a row of units: where it begins
  double column_issue = 0;     // instructions per column of a unit and tile, beside loads and multiplies
  double unit_issue = 0;       // instructions per unit and tile: its number, addresses, the loop
  double unit_cycles = 0;      // per unit and tile: of its address chain, what nothing hides
  double row_cycles = 0;       // per row of tiles: of its start and end, what nothing hides
  double row_issue = 0;        // instructions per row of tiles: sums cleared, the loop's start, addresses of results
  double vector_issue = 0;     // instructions per register of values where m = 1, beside two loads and a multiply-add
  double vector_cycles = 0;    // of the pipes that shuffle, per register of values where m = 1
  double flat_row_issue = 0;   // m = 1: instructions per row of units lower than a register, beside row_issue
  double flat_row_cycles = 0;  // the same in cycles that nothing hides
  double memory_issue = 0;     // instructions per weight and vector of results that are kept in memory; 0: in registers
  double forward_cycles = 0;   // from the store of such a vector to its next load
  double ordered_sums = 0;     // 1: m = 1 adds products to one sum, one after the other
  double gathers = 0;          // 1: m = 1 is done by gathers of activations, unless units fill registers
  double single_loads = 0;     // 1: gathers are single loads and shuffles, not an instruction
  double chunk_rows = 64;      // of weights, that one of several cores takes at a time
  double fetches_ahead = 0;    // 1: a panel is read in order before rows of weights meet it, unless m = 1; all tiles
                               // of a row of units ask for the weights of the next
  double copies = 0;           // 1: that pass copies a panel narrower than m, so that its rows lie one behind the other
  double expands = 0;          // 1: m = 1 loads activations densely, whether their weight is stored or not
};
/// Errors: UnsupportedError for a constant that it does not know.
SparseLoop sparse_loop(const Kernel& kernel);

/// Rows of units and columns of results that one task makes.
struct SparsePart {
  std::span<const std::int32_t> counts;  // stored units of each row
  double width = 0;
  bool first_panel = true;  // of the call: the weights come from DRAM
  double sharers = 1;       // tasks that read the same panel of activations
};
/// What a task costs.
CoreWork sparse_rows_work(const SpmmSize& size, const SparseLoop& loop, const Core& core, const Ideal& ideal,
                          const SparsePart& part);

/// The product by the fastest kernel for the pattern, or by the one that size.kernel names; panel
/// by panel. Errors: UnsupportedError when the library has none.
Launch lower_cores_spmm(const SpmmSize& size, const LowerContext& context);

}  // namespace sparsesim
