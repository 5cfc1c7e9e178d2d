#pragma once
// The file of measured rows (docs/measurements.md): written row by row, read again to go on where a run stopped.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "validate/measure/harness/plan.h"

namespace sparsesim::measure {

/// A measured row. Its `row.kernel` is the one that ran, in full.
struct Result {
  PlanRow row;
  std::string baseline;  // empty: none
  double time_us = 0;
  std::optional<double> baseline_us;
  std::string source, note;
};

class Results {
 public:
  /// Reads what is there already; nothing where there is no file.
  /// Errors: std::invalid_argument with file:line where it is not a file of measured rows.
  explicit Results(std::string path);

  /// Whether a row was measured with the same columns on the same system (the source without its date).
  bool has(const PlanRow& row, const std::string& provenance) const;
  /// Adds a result, or replaces the one of its id.
  void put(Result result);
  /// Writes the whole file. Errors: std::runtime_error.
  void write() const;
  const std::vector<Result>& rows() const { return rows_; }

 private:
  std::string path_;
  std::vector<Result> rows_;
  std::map<std::string, std::size_t> place_;  // by id
};

/// The column `source`: provenance and date, so that a later run can tell whether the system is still the same.
std::string source_text(const std::string& provenance, const std::string& date);
/// Today, UTC: 2026-03-01.
std::string today();

}  // namespace sparsesim::measure
