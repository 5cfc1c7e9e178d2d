#pragma once
// Weights in coarse units as kernels of finer ones see them: a block of 16 x 16 is four of 8 x 8 or 16 vectors, and
// all are single weights.

#include <cstdint>
#include <vector>

#include "models/ops/weights/spmm.h"

namespace sparsesim {

/// Of stored weights.
struct Unit {
  std::int64_t rows = 1, columns = 1;
  auto operator<=>(const Unit&) const = default;
};
/// The finer units in which kernels of the library may find the weights (docs/models/spmm.md), single weights among
/// them. None for N:M and transposed weights.
std::vector<Unit> finer_units(const SpmmSize& size, const Substrate& substrate);

/// The same product in units that divide its own; `counts` are those of its own units.
SpmmSize in_finer_units(const SpmmSize& size, Unit unit, const RowCounts& counts);

}  // namespace sparsesim
