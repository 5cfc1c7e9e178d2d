// Formats of a break-even: pure functions, described in docs/breakeven.md.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "models/explore/breakeven.h"
#include "sim/core/printable.h"

namespace sparsesim {
namespace {

using nlohmann::ordered_json;
using TableRow = std::vector<std::string>;

/// Enough digits to tell a speedup from the target that it is just above.
std::string speedup_text(double speedup) { return fmt::format("{:.4g}x", speedup); }

/// The last two steps of a path, which tell parameters of one question apart.
std::string short_path(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  const std::size_t before = dot == std::string::npos || dot == 0 ? std::string::npos : path.rfind('.', dot - 1);
  return before == std::string::npos ? path : path.substr(before + 1);
}

/// The point of a scan with the largest, or smallest, speedup; the first of equal ones, null where all have errors.
const ScanPoint* extreme(const std::vector<ScanPoint>& scan, bool largest) {
  const ScanPoint* best = nullptr;
  for (const ScanPoint& point : scan)
    if (point.error.empty() &&
        (best == nullptr || (largest ? point.speedup > best->speedup : point.speedup < best->speedup)))
      best = &point;
  return best;
}

std::string interval_text(const BreakevenDesign& design, const Crossing& crossing) {
  return fmt::format("{} .. {}", crossing.low.value_or("< " + design.axis.at(0)),
                     crossing.high.value_or("> " + design.axis.at(design.axis.size() - 1)));
}

/// What the interval adds where the prediction does not cross.
std::string doubt(const BreakevenSeries& series) {
  if (series.verdict == Payoff::never && series.of_high != Payoff::never)
    return series.of_high == Payoff::always ? "might everywhere" : "might somewhere";
  if (series.verdict == Payoff::always && series.of_low != Payoff::always)
    return series.of_low == Payoff::never ? "might nowhere" : "might not everywhere";
  return "";
}

void add_list_rows(const BreakevenOptions& options, const BreakevenSeries& series, std::vector<TableRow>& rows) {
  for (const ScanPoint& point : series.scan) {
    const bool runs = point.error.empty();
    const std::string answer = !runs ? "cannot run" : point.speedup > options.target ? "pays" : "does not pay";
    rows.push_back(
        {series.also, fmt::format("{} {}", point.value, answer),
         runs && options.interval ? fmt::format("{} .. {}", speedup_text(point.low), speedup_text(point.high)) : "",
         runs ? speedup_text(point.speedup) : ""});
  }
}

void add_range_rows(const BreakevenDesign& design, const BreakevenOptions& options, const BreakevenSeries& series,
                    std::vector<TableRow>& rows) {
  for (const Crossing& crossing : series.crossings)
    rows.push_back({series.also, fmt::format("pays {} {}", crossing.upward ? "from" : "up to", crossing.pays),
                    options.interval ? interval_text(design, crossing) : "",
                    fmt::format("{}, at {} {}", speedup_text(crossing.speedup_pays), crossing.fails,
                                speedup_text(crossing.speedup_fails))});
  if (!series.crossings.empty()) return;
  const bool always = series.verdict == Payoff::always;
  const ScanPoint* point = extreme(series.scan, !always);
  if (point == nullptr) return rows.push_back({series.also, "cannot run", "", ""});
  rows.push_back({series.also, std::string(name(series.verdict)), doubt(series),
                  fmt::format("{} {} at {}", always ? "least" : "most", speedup_text(point->speedup), point->value)});
}

std::string aligned(const std::vector<TableRow>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const TableRow& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const TableRow& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      if (widths[i] > 0) line += fmt::format("  {:{}}", row[i], widths[i]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string heading(const BreakevenDesign& design, const BreakevenOptions& options) {
  std::string fixed;
  for (std::size_t i = 0; i < design.parameters.size(); ++i) {
    const auto& [path, values, place] = design.parameters[i];
    if (i == design.over || i == design.also) continue;
    const bool input = path == "substrate" || path == "workload";
    fixed += fmt::format("{}{}{}", fixed.empty() ? "" : ", ", input ? "" : path + " = ", values.list.front());
  }
  const std::string values = design.axis.listed()
                                 ? fmt::format("{} values", design.axis.size())
                                 : fmt::format("{} .. {}", design.axis.at(0), design.axis.at(design.axis.size() - 1));
  return fmt::format("{}: where sparse is more than {:g}x as fast\nover {}, {}\n", printable(fixed), options.target,
                     printable(design.over_path()), printable(values));
}

std::string notes(const BreakevenResult& result) {
  std::size_t points = 0, failed = 0;
  std::string error;
  bool open = false;
  for (const BreakevenSeries& series : result.series) {
    for (const ScanPoint& point : series.scan) {
      ++points;
      failed += !point.error.empty();
      if (error.empty() && !point.error.empty()) error = fmt::format("{}: {}", point.value, point.error);
    }
    for (const Crossing& crossing : series.crossings) open = open || !crossing.closed;
  }
  std::string text;
  if (failed > 0) text += fmt::format("{} of {} points cannot run; {}\n", failed, points, printable(error));
  if (open) text += "some values beside a break-even cannot run\n";
  return text;
}

ordered_json optional_json(const std::optional<std::string>& value) { return value ? ordered_json(*value) : nullptr; }

ordered_json crossing_json(const Crossing& crossing, bool interval) {
  ordered_json out = {{"direction", crossing.upward ? "pays_above" : "pays_below"},
                      {"value", crossing.pays},
                      {"speedup", crossing.speedup_pays},
                      {"beside", {{"value", crossing.fails}, {"speedup", crossing.speedup_fails}}},
                      {"closed", crossing.closed}};
  if (interval) out["interval"] = {{"low", optional_json(crossing.low)}, {"high", optional_json(crossing.high)}};
  return out;
}

ordered_json scan_point_json(const ScanPoint& point, bool interval) {
  if (!point.error.empty()) return {{"value", point.value}, {"error", point.error}};
  ordered_json out = {{"value", point.value}, {"speedup", point.speedup}};
  if (interval) out["interval"] = {{"low", point.low}, {"high", point.high}};
  return out;
}

ordered_json series_json(const BreakevenSeries& series, const BreakevenDesign& design, bool interval) {
  ordered_json out;
  if (design.also) out["also"] = series.also;
  out["verdict"] = name(series.verdict);
  if (interval) out["verdict_of_interval"] = {{"low", name(series.of_low)}, {"high", name(series.of_high)}};
  out["crossings"] = ordered_json::array();
  for (const Crossing& crossing : series.crossings) out["crossings"].push_back(crossing_json(crossing, interval));
  out["scan"] = ordered_json::array();
  for (const ScanPoint& point : series.scan) out["scan"].push_back(scan_point_json(point, interval));
  return out;
}

}  // namespace

std::string breakeven_table(const BreakevenDesign& design, const BreakevenOptions& options,
                            const BreakevenResult& result, bool rows_only) {
  const bool listed = design.axis.listed();
  std::vector<TableRow> rows;
  if (!rows_only)
    rows.push_back({design.also ? short_path(design.parameters[*design.also].path) : "", short_path(design.over_path()),
                    options.interval ? "interval" : "", "speedup"});
  for (const BreakevenSeries& series : result.series)
    listed ? add_list_rows(options, series, rows) : add_range_rows(design, options, series, rows);
  return rows_only ? aligned(rows) : heading(design, options) + aligned(rows) + notes(result);
}

std::string breakeven_json(const BreakevenDesign& design, const BreakevenOptions& options,
                           const BreakevenResult& result) {
  ordered_json out = {{"target", options.target}};
  for (std::size_t i = 0; i < design.parameters.size(); ++i)
    if (i != design.over && i != design.also)
      out["set"][design.parameters[i].path] = design.parameters[i].values.list.front();
  out["over"] = design.over_path();
  if (design.also) out["also"] = design.parameters[*design.also].path;
  out["series"] = ordered_json::array();
  for (const BreakevenSeries& series : result.series)
    out["series"].push_back(series_json(series, design, options.interval));
  return out.dump(2) + "\n";
}

}  // namespace sparsesim
