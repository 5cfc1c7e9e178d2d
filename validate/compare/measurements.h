#pragma once
// Measured rows: the CSV format of docs/measurements.md.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/ops/measured_op.h"
#include "sim/config/node.h"

namespace sparsesim {

/// One measured operation. Times are microseconds, > 0 and finite.
struct Measurement {
  std::string id;
  std::string device;  // name of a substrate
  MeasuredOp op;
  std::string baseline;  // what the dense twin was
  std::optional<double> time_us, baseline_us, speedup;
  std::string source, note;

  /// Whether the row compares with a dense twin.
  bool has_twin() const { return baseline_us || speedup; }
  /// The published speedup, else baseline_us / time_us where both are there.
  std::optional<double> measured_speedup() const;
};

struct MeasurementFile {
  std::string name;  // base name of the path: what reports call it
  std::vector<Measurement> rows;
};

/// Column names in the order in which they are written.
std::span<const std::string_view> measurement_columns();
/// Values of the column `op`; the ones without a model are readable too, their rows just cannot be simulated.
std::span<const std::string_view> measured_op_names();

/// Reads measurement files; all mistakes of all files are reported in one pass.
///
/// Errors (config::ConfigError, with file:line:column): a file that is missing, a directory, larger than 8 MiB or not
/// UTF-8; broken quoting; a missing, unknown or duplicate column; a row with another number of fields than the header;
/// an empty or duplicate id; an empty device; an unknown op; a size or a count that is no whole number in range; a time
/// or a speedup that is no number, not finite or not positive; a row with neither time nor speedup; a sparsity outside
/// 0..1; params that are not name=value pairs joined with `;`, or name one thing twice; no rows at all.
std::vector<MeasurementFile> read_measurements(const std::vector<std::string>& paths);
/// The same for one text; `name` stands for the file in messages.
MeasurementFile read_measurements_text(std::string_view text, const std::string& name,
                                       config::Diagnostics& diagnostics);

}  // namespace sparsesim
