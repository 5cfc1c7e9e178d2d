#pragma once
// Scores of groups of rows: per operation, pattern and device, and per file.

#include <array>
#include <string>
#include <vector>

#include "validate/compare/predict.h"
#include "validate/compare/score.h"

namespace sparsesim {

/// A measured row, what was predicted for it, and the file it came from.
struct ComparedRow {
  std::string file;
  Measurement measured;
  RowPrediction predicted;
  /// Absolute percentage error of time; nothing where the row failed or has no time.
  std::optional<double> time_error() const;
  /// Absolute percentage error of the speedup; nothing where the row failed or has no twin.
  std::optional<double> speedup_error() const;
};

/// Scores of a group. Percentages are numbers (7.3 is 7.3 %). What no row of the group can tell is absent.
struct Summary {
  std::string file, op, pattern, device;
  int rows = 0, failed = 0;
  std::optional<double> time_mape, time_median_ape, time_p90_ape, speedup_mape, sign_accuracy;
  /// Spearman's, of the speedups where the group has any, else of the times.
  std::optional<double> rank_correlation;
  double seconds = 0;  // this program's own time for the rows, summed
};

/// Scores of the given rows; the four names are left empty.
Summary summarise(const std::vector<const ComparedRow*>& rows);
/// Per file in the order given: one summary with device "*" (op and pattern too, where they differ), then one per op x
/// pattern x device in the order of their names.
std::vector<Summary> summarise_groups(const std::vector<ComparedRow>& rows);
/// Rows by measured outcome (win and loss outside 1x +-10 %) and predicted winner: what sign_accuracy() counts.
struct SignMatrix {
  static constexpr int kWin = 0, kNoWinner = 1, kLoss = 2;
  std::array<std::array<int, 2>, 3> rows{};  // [measured win, none, loss][predicted win, loss]
};
SignMatrix sign_matrix(const std::vector<ComparedRow>& rows);
/// Indices of the rows with the largest error (of time, or of speedup where there is no time), worst first.
std::vector<std::size_t> worst_rows(const std::vector<ComparedRow>& rows, std::size_t most);
/// Indices of the `most` worst rows of every op x pattern x device.
std::vector<std::size_t> worst_rows_of_groups(const std::vector<ComparedRow>& rows, std::size_t most);
/// Rows of a report whose largest loss is worked out: the worst of all and the worst of each op x pattern x device.
inline constexpr std::size_t kWorstRowsShown = 10;
inline constexpr std::size_t kWorstRowsPerGroup = 5;
std::vector<std::size_t> rows_to_explain(const std::vector<ComparedRow>& rows);
/// Whether the digits that end the id are an odd number: the half that constants may be fitted to.
bool calibration_half(const std::string& id);

}  // namespace sparsesim
