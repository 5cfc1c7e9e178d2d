#include "validate/compare/features.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <map>

namespace sparsesim {

namespace {

/// Logarithms, because speedups are ratios and the features span many decades.
std::vector<double> features_of(const ComparedRow& row) {
  const RunCounters& run = row.predicted.counters;
  const LaunchCounters& c = run.device;
  const auto log1 = [](double value) { return std::log(std::max(value, 1.0)); };
  return {log1(c.useful_macs), log1(c.issued_macs), log1(c.dram_bytes), log1(c.l2_bytes - c.l2_hit_bytes),
          log1(c.tasks),       log1(run.launches)};
}

double log_ideal(const ComparedRow& row) { return std::log(ideal_speedup(row.predicted.declared_sparsity)); }

}  // namespace

std::string feature_names() {
  return "logarithms of useful and issued multiply-adds, DRAM bytes, second-level misses, tasks and launches, besides "
         "the declared sparsity";
}

std::optional<double> regression_r_squared(const std::vector<std::vector<double>>& features,
                                           const std::vector<double>& y) {
  if (features.empty()) return std::nullopt;
  const auto rows = static_cast<Eigen::Index>(features.size());
  const auto columns = static_cast<Eigen::Index>(features.front().size()) + 1;
  if (rows < columns + 1) return std::nullopt;
  Eigen::MatrixXd x(rows, columns);
  Eigen::VectorXd target(rows);
  for (Eigen::Index i = 0; i < rows; ++i) {
    x(i, 0) = 1.0;
    for (Eigen::Index j = 1; j < columns; ++j) x(i, j) = features[i][j - 1];
    target(i) = y[i];
  }
  const Eigen::VectorXd fitted = x * x.colPivHouseholderQr().solve(target);
  return r_squared({fitted.data(), static_cast<std::size_t>(rows)}, y);
}

std::vector<VarianceExplained> variance_explained(const std::vector<ComparedRow>& rows) {
  std::map<std::pair<std::string, std::string>, std::vector<const ComparedRow*>> groups;
  for (const auto& row : rows)
    if (row.speedup_error()) groups[{row.measured.op.op, row.measured.op.pattern}].push_back(&row);
  std::vector<VarianceExplained> out;
  for (const auto& [key, members] : groups) {
    std::vector<std::vector<double>> sparsity, access;
    std::vector<double> measured, predicted;
    for (const ComparedRow* row : members) {
      sparsity.push_back({log_ideal(*row)});
      access.push_back(features_of(*row));
      access.back().push_back(log_ideal(*row));
      measured.push_back(std::log(*row->measured.measured_speedup()));
      predicted.push_back(std::log(*row->predicted.speedup));
    }
    out.push_back({key.first, key.second, static_cast<int>(members.size()), regression_r_squared(sparsity, measured),
                   regression_r_squared(access, measured), r_squared(predicted, measured)});
  }
  return out;
}

}  // namespace sparsesim
