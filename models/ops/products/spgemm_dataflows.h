#pragma once
// The ways through a product of two sparse matrices: one function each, the op that names it in a kernel library
// beside it (docs/models/spgemm.md).

#include <vector>

#include "models/ops/products/spgemm_launch.h"

namespace sparsesim {

/// `spgemm_rows`: Gustavson's way, a row of the result at a time from the rows of B that the row of A names. The shared
/// cache holds rows of B (Gamma, and libraries on GPUs and processors).
Program lower_spgemm_rows(const SpgemmSize& size, const SpgemmOperands& operands, const Kernel& kernel,
                          const LowerContext& context);

/// `spgemm_outer`: each column of A times its row of B; all partial products are written, then read and merged row by
/// row (OuterSPACE). Two launches.
Program lower_spgemm_outer(const SpgemmSize& size, const SpgemmOperands& operands, const Kernel& kernel,
                           const LowerContext& context);

/// `spgemm_tiles`: inner products of rows of A and columns of B within tiles, whose coordinates are intersected at
/// every level (ExTensor).
Program lower_spgemm_tiles(const SpgemmSize& size, const SpgemmOperands& operands, const Kernel& kernel,
                           const LowerContext& context);

/// Steps of an intersection that skips: the list that is behind jumps to what the other one shows. Lists of a and b
/// coordinates in random order alternate 2 a b / (a + b) times; at least one step, none for an empty list.
double expected_skips(double a, double b);

}  // namespace sparsesim
