// docs/accuracy.md: deterministic content only, so that regenerating it gives the same bytes.

#include <fmt/format.h>

#include <map>

#include "sim/stats/table.h"
#include "validate/compare/features.h"
#include "validate/compare/report.h"

namespace sparsesim {

namespace {

std::string cell(std::optional<double> value, int digits = 1) {
  return value ? fmt::format("{:.{}f}", *value, digits) : "";
}

std::vector<TableColumn> columns(const std::vector<std::string>& left, const std::vector<std::string>& right) {
  std::vector<TableColumn> out;
  for (const auto& title : left) out.push_back({title, Align::left});
  for (const auto& title : right) out.push_back({title, Align::right});
  return out;
}

/// Rows of each op x pattern x device of all files together.
using GroupKey = std::array<std::string, 3>;
std::map<GroupKey, std::vector<const ComparedRow*>> groups_of(const std::vector<ComparedRow>& rows) {
  std::map<GroupKey, std::vector<const ComparedRow*>> groups;
  for (const auto& row : rows)
    groups[{row.measured.op.op, row.measured.op.pattern, row.measured.device}].push_back(&row);
  return groups;
}

std::optional<double> half_error(const std::vector<const ComparedRow*>& rows, bool calibration, bool speedup) {
  std::vector<const ComparedRow*> half;
  for (const auto* row : rows)
    if (calibration_half(row->measured.id) == calibration) half.push_back(row);
  const Summary s = summarise(half);
  return speedup ? s.speedup_mape : s.time_mape;
}

std::string score_table(const Comparison& c) {
  std::vector<std::vector<std::string>> lines;
  for (const auto& [key, rows] : groups_of(c.rows)) {
    const Summary s = summarise(rows);
    lines.push_back({key[0], key[1], key[2], fmt::format("{}", s.rows), fmt::format("{}", s.failed), cell(s.time_mape),
                     cell(s.time_median_ape), cell(s.time_p90_ape), cell(half_error(rows, true, false)),
                     cell(half_error(rows, false, false)), cell(s.rank_correlation, 3)});
  }
  return markdown_table(columns({"operation", "pattern", "device"},
                                {"rows", "failed", "mean", "median", "p90", "odd ids", "even ids", "rank correlation"}),
                        lines);
}

std::string speedup_table(const Comparison& c) {
  std::vector<std::vector<std::string>> lines;
  for (const auto& [key, rows] : groups_of(c.rows)) {
    const Summary s = summarise(rows);
    if (!s.speedup_mape) continue;
    lines.push_back({key[0], key[1], key[2], cell(s.speedup_mape), cell(half_error(rows, true, true)),
                     cell(half_error(rows, false, true)), cell(s.sign_accuracy)});
  }
  if (lines.empty()) return {};
  return "## Speedup over the dense twin\n\nMean absolute percentage error, and the percentage of rows outside 1x "
         "+-10 % whose winner was predicted.\n\n" +
         markdown_table(columns({"operation", "pattern", "device"}, {"mean", "odd ids", "even ids", "winner right"}),
                        lines) +
         "\n";
}

std::string variance_table(const Comparison& c) {
  std::vector<std::vector<std::string>> lines;
  for (const VarianceExplained& v : variance_explained(c.rows))
    lines.push_back({v.op, v.pattern, fmt::format("{}", v.rows), cell(v.by_sparsity, 3), cell(v.by_features, 3),
                     cell(v.by_simulation, 3)});
  if (lines.empty()) return {};
  return fmt::format(
      "## What explains measured speedup\n\nShare of the variance of the logarithm of the measured speedup (R^2) that "
      "a linear regression explains, each row predicted by a fit to the other four fifths: on the declared sparsity "
      "alone (through 1/(1-s)), and on what the simulated run touched ({}); and what the simulated speedup explains as "
      "it is, with nothing fitted here. Below 0 a fit is worse than the mean.\n\n{}\n",
      feature_names(),
      markdown_table(columns({"operation", "pattern"}, {"rows", "declared sparsity", "access pattern", "simulation"}),
                     lines));
}

std::string worst_table(const Comparison& c) {
  std::vector<std::vector<std::string>> lines;
  for (const std::size_t i : worst_rows_of_groups(c.rows, kWorstRowsPerGroup)) {
    const ComparedRow& row = c.rows[i];
    lines.push_back({row.measured.id, row.measured.op.op, cell(row.predicted.time_us), cell(row.measured.time_us),
                     cell(row.time_error()), cell(row.speedup_error()), row.predicted.bound,
                     row.predicted.largest_loss});
  }
  std::vector<TableColumn> head =
      columns({"row", "operation"}, {"predicted us", "measured us", "time error %", "speedup error %"});
  head.push_back({"bound", Align::left});
  head.push_back({"largest loss", Align::left});
  return markdown_table(head, lines);
}

std::string failure_table(const Comparison& c) {
  std::map<std::string, int> reasons;
  for (const auto& row : c.rows)
    if (row.predicted.failed) ++reasons[row.predicted.reason];
  if (reasons.empty()) return "Every row was simulated.\n";
  std::vector<std::vector<std::string>> lines;
  for (const auto& [reason, rows] : reasons) lines.push_back({fmt::format("{}", rows), reason});
  return markdown_table({{"rows", Align::right}, {"reason", Align::left}}, lines);
}

std::string fitted_table(const Comparison& c) {
  if (c.fitted.empty()) return "None.\n";
  std::vector<std::vector<std::string>> lines;
  for (const auto& f : c.fitted)
    lines.push_back({f.substrate, f.name, fmt::format("{} {}", f.value, f.unit), f.fitted_to});
  return markdown_table(columns({"machine", "constant", "value", "fitted to"}, {}), lines);
}

}  // namespace

std::string accuracy_markdown(const Comparison& c) {
  return fmt::format(
      "# Accuracy\n\n"
      "Written by `sparsesim validate --measurements FILE... --accuracy docs/accuracy.md`; do not edit. "
      "docs/measurements.md explains the rows and the scores.\n\n"
      "Version {}, seed {}, inputs {}.\n\n"
      "## Time\n\n"
      "Absolute percentage error of the simulated time: mean, median, 90th percentile; the mean again for the half of "
      "the rows "
      "that constants may be fitted to (odd ids) and for the half they never see (even ids).\n\n{}\n"
      "{}{}"
      "## Not simulated\n\n{}\n"
      "## Worst rows\n\nUp to {} per operation, pattern and device, with the resource that bounds the simulated run "
      "and the "
      "mechanism that costs it most.\n\n{}\n"
      "## Fitted constants\n\n"
      "Every constant of the machines above that was fitted to measured rows. All others are data-sheet values, "
      "measurements of the machine or guesses; `sparsesim show` lists them with their sources.\n\n{}",
      c.version, c.seed, c.inputs_hash, score_table(c), speedup_table(c), variance_table(c), failure_table(c),
      kWorstRowsPerGroup, worst_table(c), fitted_table(c));
}

}  // namespace sparsesim
