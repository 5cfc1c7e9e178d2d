#pragma once
// The one table of operations: what a workload may name, and what a measured row may name.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "sim/config/reader.h"

namespace sparsesim {

struct OpKind {
  std::string_view name;
  std::string_view description;  // one line, for `sparsesim list`
  /// Reads the sizes and the pattern of an op from its map in a workload; mistakes go to the reader's diagnostics.
  /// Does not call finish(). Null only where the map had mistakes.
  std::unique_ptr<Op> (*read)(config::MapReader&);
  /// The same from a row of a measurement file. Errors: UnsupportedError with what the row asks for that no model
  /// covers.
  std::unique_ptr<Op> (*from_row)(const MeasuredOp&);
};

/// Every operation, in the order in which they are listed to people.
std::span<const OpKind> op_kinds();
/// The row of that name, or null.
const OpKind* find_op_kind(std::string_view name);
/// Names of all rows.
std::vector<std::string> op_kind_names();
/// The operation of a measured row: the one that it names, but for products with a sparse operand, for which the
/// pattern decides (docs/measurements.md). Errors: UnsupportedError for an op without a model (it names the nearest one
/// that has one) and for what the model does not cover.
std::unique_ptr<Op> op_from_row(const MeasuredOp& row);

}  // namespace sparsesim
