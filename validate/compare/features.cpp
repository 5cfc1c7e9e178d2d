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

Eigen::RowVectorXd with_intercept(const std::vector<double>& features) {
  Eigen::RowVectorXd row(static_cast<Eigen::Index>(features.size()) + 1);
  row(0) = 1;
  for (std::size_t i = 0; i < features.size(); ++i) row(static_cast<Eigen::Index>(i) + 1) = features[i];
  return row;
}

double log_ideal(const ComparedRow& row) { return std::log(ideal_speedup(row.predicted.declared_sparsity)); }

}  // namespace

std::string feature_names() {
  return "logarithms of useful and issued multiply-adds, DRAM bytes, second-level misses, tasks and launches, besides "
         "the declared sparsity";
}

std::optional<double> cross_validated_r_squared(const std::vector<std::vector<double>>& features,
                                                const std::vector<double>& y, int folds) {
  if (features.empty()) return std::nullopt;
  const auto rows = static_cast<Eigen::Index>(features.size());
  const auto columns = static_cast<Eigen::Index>(features.front().size()) + 1;
  if (rows - (rows + folds - 1) / folds < columns + 1) return std::nullopt;
  std::vector<double> predicted(y.size());
  for (int fold = 0; fold < folds; ++fold) {
    std::vector<Eigen::Index> kept;
    for (Eigen::Index i = 0; i < rows; ++i)
      if (i % folds != fold) kept.push_back(i);
    Eigen::MatrixXd x(kept.size(), columns);
    Eigen::VectorXd target(kept.size());
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const auto row = static_cast<Eigen::Index>(i);
      x.row(row) = with_intercept(features[kept[i]]);
      target(row) = y[kept[i]];
    }
    const Eigen::VectorXd weights = x.colPivHouseholderQr().solve(target);
    for (Eigen::Index i = fold; i < rows; i += folds) predicted[i] = with_intercept(features[i]).dot(weights);
  }
  return r_squared(predicted, y);
}

namespace {

VarianceExplained explain(const std::string& op, const std::string& pattern,
                          const std::vector<const ComparedRow*>& members) {
  std::vector<std::vector<double>> sparsity, access;
  std::vector<double> measured, predicted;
  for (const ComparedRow* row : members) {
    sparsity.push_back({log_ideal(*row)});
    access.push_back(features_of(*row));
    access.back().push_back(log_ideal(*row));
    measured.push_back(std::log(*row->measured.measured_speedup()));
    predicted.push_back(std::log(*row->predicted.speedup));
  }
  return {op,
          pattern,
          static_cast<int>(members.size()),
          cross_validated_r_squared(sparsity, measured),
          cross_validated_r_squared(access, measured),
          r_squared(predicted, measured)};
}

}  // namespace

std::vector<VarianceExplained> variance_explained(const std::vector<ComparedRow>& rows) {
  std::map<std::pair<std::string, std::string>, std::vector<const ComparedRow*>> groups;
  std::vector<const ComparedRow*> all;
  for (const auto& row : rows) {
    if (!row.speedup_error()) continue;
    groups[{row.measured.op.op, row.measured.op.pattern}].push_back(&row);
    all.push_back(&row);
  }
  std::vector<VarianceExplained> out;
  if (groups.size() > 1) out.push_back(explain("*", "*", all));
  for (const auto& [key, members] : groups) out.push_back(explain(key.first, key.second, members));
  return out;
}

}  // namespace sparsesim
