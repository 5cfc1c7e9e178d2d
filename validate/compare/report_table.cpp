// The table that `sparsesim validate` prints for people.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sim/core/printable.h"
#include "validate/compare/report.h"

namespace sparsesim {

namespace {

constexpr std::size_t kSlowestShown = 3;

std::string cell(std::optional<double> value, const char* unit = " %") {
  return value ? fmt::format("{:.1f}{}", *value, unit) : "-";
}

std::string describe(const ComparedRow& row) {
  const MeasuredOp& op = row.measured.op;
  std::string out = op.op;
  if (op.m > 0) out += fmt::format(" {}x{}x{}", op.m, op.n, op.k);
  if (op.devices > 1) out += fmt::format(" on {}", op.devices);
  for (const auto& [name, value] : op.params) out += fmt::format(" {}={}", name, value);
  return out;
}

std::string failures(const std::vector<ComparedRow>& rows) {
  struct Failure {
    int rows = 0;
    std::string first;
  };
  std::map<std::string, Failure> by_reason;
  for (const auto& row : rows) {
    if (!row.predicted.failed) continue;
    Failure& failure = by_reason[row.predicted.reason];
    if (failure.rows++ == 0) failure.first = row.measured.id;
  }
  std::string out;
  for (const auto& [reason, failure] : by_reason)
    out += fmt::format("  {:5} rows, first {}: {}\n", failure.rows, printable(failure.first), printable(reason));
  return out.empty() ? out : "\nNot simulated:\n" + out;
}

/// This program's own time: the median row and the slowest ones.
std::string slowest(const std::vector<ComparedRow>& rows) {
  if (rows.empty()) return {};
  std::vector<double> seconds;
  std::vector<const ComparedRow*> order;
  for (const auto& row : rows) {
    seconds.push_back(row.predicted.seconds);
    order.push_back(&row);
  }
  std::stable_sort(order.begin(), order.end(), [](const ComparedRow* a, const ComparedRow* b) {
    return a->predicted.seconds > b->predicted.seconds;
  });
  std::string out = fmt::format("\nMedian row simulated in {:.2f} ms; slowest:", 1e3 * *quantile(seconds, 0.5));
  for (std::size_t i = 0; i < std::min(order.size(), kSlowestShown); ++i)
    out += fmt::format(" {} {:.0f} ms", printable(order[i]->measured.id), 1e3 * order[i]->predicted.seconds);
  return out + "\n";
}

/// A line per group; names as wide as the longest one.
std::string summary_table(const std::vector<Summary>& groups) {
  std::size_t file = 22, op = 14, pattern = 12, device = 16;
  for (const auto& s : groups) {
    file = std::max(file, s.file.size());
    op = std::max(op, s.op.size());
    pattern = std::max(pattern, s.pattern.size());
    device = std::max(device, s.device.size());
  }
  const auto names = [&](std::string_view a, std::string_view b, std::string_view c, std::string_view d) {
    return fmt::format("{:<{}} {:<{}} {:<{}} {:<{}}", a, file, b, op, c, pattern, d, device);
  };
  std::string out = fmt::format("{} {:>5} {:>6} {:>9} {:>8} {:>8} {:>9} {:>8} {:>6} {:>8}\n",
                                names("file", "op", "pattern", "device"), "rows", "failed", "time MAPE", "median",
                                "p90", "spd MAPE", "sign", "rank", "seconds");
  for (const auto& s : groups)
    out += fmt::format("{} {:>5} {:>6} {:>9} {:>8} {:>8} {:>9} {:>8} {:>6} {:>8.2f}\n",
                       names(s.file, s.op, s.pattern, s.device), s.rows, s.failed, cell(s.time_mape),
                       cell(s.time_median_ape), cell(s.time_p90_ape), cell(s.speedup_mape), cell(s.sign_accuracy),
                       s.rank_correlation ? fmt::format("{:.3f}", *s.rank_correlation) : "-", s.seconds);
  return out;
}

}  // namespace

std::string comparison_table(const Comparison& c) {
  std::string out = summary_table(c.summary);
  out += failures(c.rows);
  const auto worst = worst_rows(c.rows, kWorstRowsShown);
  if (!worst.empty()) out += "\nWorst rows:\n";
  for (const std::size_t i : worst) {
    const ComparedRow& row = c.rows[i];
    out += fmt::format("  {} ({}): {:.1f} us", printable(row.measured.id), printable(describe(row)),
                       row.predicted.time_us);
    if (row.measured.time_us) out += fmt::format(" for {:.1f} us measured", *row.measured.time_us);
    if (row.predicted.speedup && row.measured.measured_speedup())
      out += fmt::format(", {:.2f}x for {:.2f}x", *row.predicted.speedup, *row.measured.measured_speedup());
    out += fmt::format("; bound by {}", row.predicted.bound);
    if (!row.predicted.largest_loss.empty()) out += fmt::format(", largest loss: {}", row.predicted.largest_loss);
    out += "\n";
  }
  if (c.changes) out += changes_table(*c.changes);
  out += slowest(c.rows);
  out += fmt::format("{} fitted constants were used; --format json and --accuracy list them.\n", c.fitted.size());
  return out;
}

}  // namespace sparsesim
