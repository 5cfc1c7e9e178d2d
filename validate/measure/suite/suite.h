#pragma once
// Suites: which operations to measure, in the words of workloads (docs/measuring.md).

#include <memory>
#include <string>
#include <vector>

#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "models/substrate/substrate.h"
#include "validate/measure/harness/plan.h"

namespace sparsesim {

/// One row to measure and the op that simulates it.
struct SuiteRow {
  measure::PlanRow plan;
  std::unique_ptr<Op> op;  // as the suite's own keys make it
};

struct Suite {
  std::string name, title;
  std::vector<SuiteRow> rows;

  /// Plans for a machine: the column `device` is its name.
  std::vector<measure::PlanRow> plan(const std::string& device) const;
};

/// Reads a suite by path, or by name (with or without .yaml) from the search folders. An entry of `ops` has the keys of
/// its op (those that a measured row can have, too), `grid` (key: list of values; every combination is a row) and
/// `kernels` (names; a row for each).
///
/// Errors: config::ConfigError with every mistake of the file; more than 20,000 rows; two rows that are the same.
Suite load_suite(const std::string& path_or_name, const SearchPath& search);
/// The same from text.
Suite read_suite_text(const std::string& text, const std::string& name);

/// Names of the suites in the search folders, in alphabetical order.
std::vector<std::string> list_suites(const SearchPath& search);

/// The row as the simulator reads it from a file of measurements.
MeasuredOp measured_op(const measure::PlanRow& row);

}  // namespace sparsesim
