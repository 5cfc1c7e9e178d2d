#pragma once
// A measured row read with the very reader of the workload language.

#include <memory>

#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// The op that `read` makes of a map with the row's params and, where the row has them, m, n, k and dtype.
/// Errors: UnsupportedError with the first mistake: a missing key, one that the op does not know, a value out of range.
std::unique_ptr<Op> read_row(const MeasuredOp& row, std::unique_ptr<Op> (*read)(config::MapReader&));

}  // namespace sparsesim
