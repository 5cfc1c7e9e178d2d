#include "validate/compare/summary.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace sparsesim {

namespace {

using Group = std::tuple<std::string, std::string, std::string>;  // op, pattern, device

Group group_of(const ComparedRow& row) { return {row.measured.op.op, row.measured.op.pattern, row.measured.device}; }

double worst_error(const ComparedRow& row) {
  if (const auto error = row.time_error()) return *error;
  return row.speedup_error().value_or(-1.0);
}

/// The name that all rows share, or "*".
template <class Get>
std::string shared(const std::vector<const ComparedRow*>& rows, Get get) {
  for (const auto* row : rows)
    if (get(*row) != get(*rows.front())) return "*";
  return get(*rows.front());
}

void sort_worst_first(const std::vector<ComparedRow>& rows, std::vector<std::size_t>& indices) {
  std::stable_sort(indices.begin(), indices.end(),
                   [&](std::size_t a, std::size_t b) { return worst_error(rows[a]) > worst_error(rows[b]); });
}

}  // namespace

std::optional<double> ComparedRow::time_error() const {
  if (predicted.failed || !measured.time_us) return std::nullopt;
  return absolute_percentage_error(predicted.time_us, *measured.time_us);
}

std::optional<double> ComparedRow::speedup_error() const {
  const auto speedup = measured.measured_speedup();
  if (predicted.failed || !predicted.speedup || !speedup) return std::nullopt;
  return absolute_percentage_error(*predicted.speedup, *speedup);
}

Summary summarise(const std::vector<const ComparedRow*>& rows) {
  Summary out;
  std::vector<double> time_errors, speedup_errors, times, measured_times, speedups, measured_speedups;
  for (const ComparedRow* row : rows) {
    ++out.rows;
    out.seconds += row->predicted.seconds;
    if (row->predicted.failed) ++out.failed;
    if (const auto error = row->time_error()) {
      time_errors.push_back(*error);
      times.push_back(row->predicted.time_us);
      measured_times.push_back(*row->measured.time_us);
    }
    if (const auto error = row->speedup_error()) {
      speedup_errors.push_back(*error);
      speedups.push_back(*row->predicted.speedup);
      measured_speedups.push_back(*row->measured.measured_speedup());
    }
  }
  out.time_mape = mean(time_errors);
  out.time_median_ape = quantile(time_errors, 0.5);
  out.time_p90_ape = quantile(time_errors, 0.9);
  out.speedup_mape = mean(speedup_errors);
  out.sign_accuracy = sign_accuracy(speedups, measured_speedups);
  out.rank_correlation =
      speedups.empty() ? rank_correlation(times, measured_times) : rank_correlation(speedups, measured_speedups);
  return out;
}

std::vector<Summary> summarise_groups(const std::vector<ComparedRow>& rows) {
  std::vector<std::string> files;
  for (const auto& row : rows)
    if (std::find(files.begin(), files.end(), row.file) == files.end()) files.push_back(row.file);
  std::vector<Summary> out;
  for (const auto& file : files) {
    std::vector<const ComparedRow*> all;
    std::map<Group, std::vector<const ComparedRow*>> groups;
    for (const auto& row : rows) {
      if (row.file != file) continue;
      all.push_back(&row);
      groups[group_of(row)].push_back(&row);
    }
    Summary whole = summarise(all);
    whole.file = file;
    whole.op = shared(all, [](const ComparedRow& r) { return r.measured.op.op; });
    whole.pattern = shared(all, [](const ComparedRow& r) { return r.measured.op.pattern; });
    whole.device = "*";
    out.push_back(std::move(whole));
    for (const auto& [group, members] : groups) {
      Summary part = summarise(members);
      part.file = file;
      std::tie(part.op, part.pattern, part.device) = group;
      out.push_back(std::move(part));
    }
  }
  return out;
}

std::vector<std::size_t> worst_rows(const std::vector<ComparedRow>& rows, std::size_t most) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (worst_error(rows[i]) >= 0) indices.push_back(i);
  sort_worst_first(rows, indices);
  indices.resize(std::min(indices.size(), most));
  return indices;
}

std::vector<std::size_t> worst_rows_of_groups(const std::vector<ComparedRow>& rows, std::size_t most) {
  std::map<Group, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (worst_error(rows[i]) >= 0) groups[group_of(rows[i])].push_back(i);
  std::vector<std::size_t> out;
  for (auto& [group, indices] : groups) {
    sort_worst_first(rows, indices);
    indices.resize(std::min(indices.size(), most));
    out.insert(out.end(), indices.begin(), indices.end());
  }
  return out;
}

std::vector<std::size_t> rows_to_explain(const std::vector<ComparedRow>& rows) {
  std::vector<std::size_t> out = worst_rows(rows, kWorstRowsShown);
  const auto groups = worst_rows_of_groups(rows, kWorstRowsPerGroup);
  out.insert(out.end(), groups.begin(), groups.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

SignMatrix sign_matrix(const std::vector<ComparedRow>& rows) {
  SignMatrix out;
  for (const ComparedRow& row : rows) {
    if (!row.speedup_error()) continue;
    const double measured = *row.measured.measured_speedup();
    const int outcome = std::abs(measured - 1) <= kNoWinnerBand ? SignMatrix::kNoWinner
                        : measured > 1                          ? SignMatrix::kWin
                                                                : SignMatrix::kLoss;
    ++out.rows[outcome][*row.predicted.speedup > 1 ? 0 : 1];
  }
  return out;
}

bool calibration_half(const std::string& id) {
  return !id.empty() && id.back() >= '0' && id.back() <= '9' && (id.back() - '0') % 2 == 1;
}

}  // namespace sparsesim
