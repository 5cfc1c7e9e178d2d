// Tables of scores in Markdown: deterministic content only.

#include "validate/compare/sections.h"

#include <fmt/format.h>

#include <array>
#include <map>

#include "sim/stats/table.h"
#include "validate/compare/features.h"

namespace sparsesim {

namespace {

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

}  // namespace

std::string markdown_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '[' || c == ']' || c == '`' || c == '\\' || (c == '*' && text != "*"))
      out += std::string("\\") + c;
    else
      out += c;
  }
  return out;
}

std::string markdown_cell(std::optional<double> value, int digits) {
  return value ? fmt::format("{:.{}f}", *value, digits) : "";
}

std::string time_section(const Comparison& c) {
  std::vector<std::vector<std::string>> lines;
  for (const auto& [key, rows] : groups_of(c.rows)) {
    const Summary s = summarise(rows);
    lines.push_back({markdown_text(key[0]), markdown_text(key[1]), markdown_text(key[2]), fmt::format("{}", s.rows),
                     fmt::format("{}", s.failed), markdown_cell(s.time_mape), markdown_cell(s.time_median_ape),
                     markdown_cell(s.time_p90_ape), markdown_cell(half_error(rows, true, false)),
                     markdown_cell(half_error(rows, false, false)), markdown_cell(s.rank_correlation, 3)});
  }
  return markdown_table(columns({"operation", "pattern", "device"},
                                {"rows", "failed", "mean", "median", "p90", "odd ids", "even ids", "rank correlation"}),
                        lines);
}

std::string speedup_section(const Comparison& c) {
  std::vector<std::vector<std::string>> lines;
  for (const auto& [key, rows] : groups_of(c.rows)) {
    const Summary s = summarise(rows);
    if (!s.speedup_mape) continue;
    lines.push_back({markdown_text(key[0]), markdown_text(key[1]), markdown_text(key[2]), markdown_cell(s.speedup_mape),
                     markdown_cell(half_error(rows, true, true)), markdown_cell(half_error(rows, false, true)),
                     markdown_cell(s.sign_accuracy)});
  }
  if (lines.empty()) return {};
  return "Mean absolute percentage error, and the percentage of rows outside 1x "
         "+-10 % whose winner was predicted.\n\n" +
         markdown_table(columns({"operation", "pattern", "device"}, {"mean", "odd ids", "even ids", "winner right"}),
                        lines) +
         "\n";
}

std::string variance_section(const Comparison& c) {
  std::vector<std::vector<std::string>> lines;
  for (const VarianceExplained& v : variance_explained(c.rows))
    lines.push_back({markdown_text(v.op), markdown_text(v.pattern), fmt::format("{}", v.rows),
                     markdown_cell(v.by_sparsity, 3), markdown_cell(v.by_features, 3),
                     markdown_cell(v.by_simulation, 3)});
  if (lines.empty()) return {};
  return fmt::format(
      "Share of the variance of the logarithm of the measured speedup (R^2) that "
      "a linear regression explains, each row predicted by a fit to the other four fifths: on the declared sparsity "
      "alone (through 1/(1-s)), and on what the simulated run touched ({}); and what the simulated speedup explains as "
      "it is, with nothing fitted here. Below 0 a fit is worse than the mean.\n\n{}\n",
      feature_names(),
      markdown_table(columns({"operation", "pattern"}, {"rows", "declared sparsity", "access pattern", "simulation"}),
                     lines));
}

std::string failure_section(const Comparison& c) {
  std::map<std::string, int> reasons;
  for (const auto& row : c.rows)
    if (row.predicted.failed) ++reasons[row.predicted.reason];
  if (reasons.empty()) return "Every row was simulated.\n";
  std::vector<std::vector<std::string>> lines;
  for (const auto& [reason, rows] : reasons) lines.push_back({fmt::format("{}", rows), markdown_text(reason)});
  return markdown_table({{"rows", Align::right}, {"reason", Align::left}}, lines);
}

std::string fitted_section(const Comparison& c) {
  if (c.fitted.empty()) return "None.\n";
  std::vector<std::vector<std::string>> lines;
  for (const auto& f : c.fitted)
    lines.push_back(
        {markdown_text(f.substrate), f.name, fmt::format("{} {}", f.value, f.unit), markdown_text(f.fitted_to)});
  return markdown_table(columns({"machine", "constant", "value", "fitted to"}, {}), lines);
}

}  // namespace sparsesim
