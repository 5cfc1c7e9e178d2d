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
  double panel_vectors = 1;  // of a row of results, in registers at a time
  double accumulators = 1;   // registers that hold results: rows x vectors of a tile, times the sets that take turns
  double sets_most = 1;      // partial sums of one result
  double rows_most = 1;      // rows of a tile; twice as many where it is one vector wide
  double index_bytes = 4;    // of a stored unit
  double row_bytes = 4;      // of a row of units: where it begins
  double column_issue = 0;   // instructions per column of a unit and tile, beside loads and multiplies
  double unit_issue = 0;     // instructions per unit and tile: its number, addresses, the loop
  double row_cycles = 0;     // per row of tiles: start of the loop, stores, its end
  double vector_issue = 0;   // instructions per register of values where m = 1, beside two loads and a multiply-add
  double gathers = 0;        // 1: m = 1 is done by gathers of activations, unless units fill registers
  double expands = 0;        // 1: m = 1 loads activations densely, whether their weight is stored or not
};
/// Errors: UnsupportedError for a constant that it does not know.
SparseLoop sparse_loop(const Kernel& kernel);

/// What rows of units with `counts` stored units each cost one thread.
CoreWork sparse_rows_work(const SpmmSize& size, const SparseLoop& loop, const Core& core, const Ideal& ideal,
                          std::span<const std::int32_t> counts);

/// The product by the fastest kernel for the pattern, or by the one that size.kernel names; rows in equal numbers to
/// the threads. Errors: UnsupportedError when the library has none.
Launch lower_cores_spmm(const SpmmSize& size, const LowerContext& context);

}  // namespace sparsesim
