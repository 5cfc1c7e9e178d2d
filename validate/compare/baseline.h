#pragma once
// Two versions of the models on the same measured rows: what got better, what got worse.

#include <optional>
#include <string>
#include <vector>

#include "validate/compare/summary.h"

namespace sparsesim {

/// A row of an earlier run.
struct BaselineRow {
  std::string id, file, device, op, pattern;
  std::optional<double> predicted_us, measured_us, predicted_speedup, measured_speedup;
};

struct Baseline {
  std::string name;  // base name of the path
  std::string version, inputs_hash;
  std::vector<BaselineRow> rows;
};

/// Reads what `validate --format json` or `--report-json` wrote; keys that are not needed are ignored.
/// Errors (config::ConfigError, one mistake with its place): a file that cannot be read or is larger than 16 MiB; no
/// JSON, or nested deeper than 16; no `rows`; a row without its names, with a number that is not positive, or twice.
Baseline read_baseline(const std::string& path);
/// The same for one text; `name` stands for the file in messages.
Baseline read_baseline_text(const std::string& text, const std::string& name);

/// Errors that differ by less than this many percentage points count as the same.
inline constexpr double kSameError = 0.1;
/// Rows listed each way.
inline constexpr std::size_t kLargestChanges = 10;

/// Absolute percentage errors of one quantity over the rows of a group, before and after.
struct QuantityChange {
  int rows = 0, better = 0, worse = 0;  // the others stayed the same
  std::optional<double> before, after;  // means
};

/// A group of rows; the one for all has op, pattern and device "*".
struct FamilyChange {
  std::string op, pattern, device;
  int failed_before = 0, failed_after = 0;
  QuantityChange time, speedup;
  std::optional<double> winner_before, winner_after;  // sign_accuracy()
};

/// One row whose time or speedup is predicted better or worse than before.
struct RowChange {
  std::string id, file, op, pattern, device;
  bool speedup = false;  // otherwise its time
  double measured = 0;   // us, or a ratio
  double predicted_before = 0, predicted_after = 0;
  double before = 0, after = 0;  // absolute percentage errors
  double by() const { return after - before; }
};

struct Changes {
  std::string name, version, inputs_hash;  // of the baseline
  int common = 0;                          // rows of both with the same measured numbers: what is compared
  int only_before = 0, only_after = 0;
  int measured_anew =
      0;  // rows of both that were measured again or moved to another machine or operation: not compared
  std::vector<FamilyChange> families;    // all rows first, then by op, pattern and device
  std::vector<RowChange> better, worse;  // at most kLargestChanges, the largest first
};

/// Rows are the same where file and id are.
Changes compare_with_baseline(const std::vector<ComparedRow>& rows, const Baseline& baseline);

/// For people; ends with a line end.
std::string changes_table(const Changes& changes);
/// The same as a section of Markdown, without its title.
std::string changes_markdown(const Changes& changes);

}  // namespace sparsesim
