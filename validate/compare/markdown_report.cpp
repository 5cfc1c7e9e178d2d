// The report for review: the page's twin in Markdown. Deterministic content only.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/stats/table.h"
#include "validate/compare/features.h"
#include "validate/compare/sections.h"

namespace sparsesim {

namespace {

std::string sign_section(const Comparison& c) {
  const SignMatrix matrix = sign_matrix(c.rows);
  const char* const outcomes[] = {"faster than dense", "within 10 % of dense", "slower than dense"};
  std::vector<std::vector<std::string>> lines;
  int rows = 0;
  for (std::size_t i = 0; i < matrix.rows.size(); ++i) {
    const auto& [win, loss] = matrix.rows[i];
    rows += win + loss;
    lines.push_back({outcomes[i], fmt::format("{}", win), fmt::format("{}", loss)});
  }
  if (rows == 0) return {};
  return markdown_table({{"measured"}, {"predicted faster", Align::right}, {"predicted slower", Align::right}}, lines);
}

/// "1.10": a factor of a waterfall. Times that are zero without a mechanism make factors that say nothing.
std::string factor(double value) { return value < 1e4 ? fmt::format("{:.2f}", value) : "all"; }

std::string waterfalls(const Comparison& c, bool speedup) {
  std::vector<std::vector<std::string>> lines;
  std::vector<TableColumn> columns = {{"row"}, {"operation"}, {"error %", Align::right}};
  columns.push_back({speedup ? "measured" : "measured us", Align::right});
  columns.push_back({speedup ? "predicted" : "predicted us", Align::right});
  for (const std::size_t i : worst_rows_of_groups(c.rows, kWorstRowsPerGroup)) {
    const ComparedRow& row = c.rows[i];
    if (row.predicted.lost.empty() || row.measured.has_twin() != speedup) continue;
    if (lines.empty())
      for (const LossTerm& term : row.predicted.lost) columns.push_back({term.term, Align::right});
    lines.push_back({markdown_text(row.measured.id), markdown_text(row.measured.op.op + " " + row.measured.op.pattern),
                     markdown_cell(speedup ? row.speedup_error() : row.time_error()),
                     speedup ? markdown_cell(row.measured.measured_speedup(), 2) : markdown_cell(row.measured.time_us),
                     speedup ? markdown_cell(row.predicted.speedup, 2) : markdown_cell(row.predicted.time_us)});
    for (const LossTerm& term : row.predicted.lost) lines.back().push_back(factor(term.factor));
  }
  return lines.empty() ? "None.\n" : markdown_table(columns, lines);
}

std::string section(const char* title, const std::string& text) {
  return text.empty() ? text : fmt::format("## {}\n\n{}\n", title, text);
}

std::string variance(const Comparison& c) {
  const std::string table = variance_section(c);
  if (table.empty()) return table;
  return table + fmt::format("Published experience is that access patterns explain about {:.0f} %.\n",
                             100 * kPublishedShareExplained);
}

}  // namespace

std::string markdown_report(const Comparison& c) {
  std::vector<std::string> machines;
  for (const auto& name : c.substrates) machines.push_back(markdown_text(name));
  return fmt::format("# Predicted against measured\n\n{} rows on {} machines: {}. Version {}, seed {}, inputs {}.\n\n",
                     c.rows.size(), machines.size(), fmt::join(machines, ", "), c.version, c.seed, c.inputs_hash) +
         section("Changes against the baseline", c.changes ? changes_markdown(*c.changes) : "") +
         section("Time",
                 "Absolute percentage error of the simulated time: mean, median, 90th percentile; the mean of the rows "
                 "that constants may be fitted to (odd ids) and of the rows they never see (even ids).\n\n" +
                     time_section(c)) +
         section("Speedup over the dense twin", speedup_section(c)) + section("Who wins", sign_section(c)) +
         section("What explains measured speedup", variance(c)) + section("Not simulated", failure_section(c)) +
         section("Worst rows: from ideal to predicted speedup",
                 "Factors by which each mechanism takes from the ideal speedup; below 1 it adds. docs/output.md "
                 "explains them.\n\n" +
                     waterfalls(c, true)) +
         section("Worst rows: from ideal to predicted time",
                 "Factors by which each mechanism lengthens the time of rows without a dense twin.\n\n" +
                     waterfalls(c, false)) +
         section("Fitted constants", fitted_section(c));
}

}  // namespace sparsesim
