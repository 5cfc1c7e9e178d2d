#pragma once
// Rows to measure: the columns of docs/measurements.md without times.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sparsesim::measure {

/// One row of a plan.
struct PlanRow {
  std::string id, device;
  int devices = 1;
  std::string op;
  std::int64_t m = 0, n = 0, k = 0;
  std::string dtype, pattern;
  std::optional<double> sparsity;
  std::map<std::string, std::string> params;
  std::string kernel;  // "tuned:csr", or "csr" alone; empty: every kernel of the backend that can

  /// A whole-number param, or the fallback. Errors: std::invalid_argument naming the row and the param.
  std::int64_t integer(const std::string& param, std::int64_t fallback) const;
  /// A number param, or the fallback. Errors: as integer().
  double number(const std::string& param, double fallback) const;
  std::string text(const std::string& param, const std::string& fallback) const;
  /// Whether the row asks for this kernel, told in full ("tuned:csr").
  bool wants(std::string_view full_name) const;
};

/// Reads a plan. Errors: std::invalid_argument with file:line and what is wrong, all mistakes in one message.
std::vector<PlanRow> read_plan(const std::string& path);
std::vector<PlanRow> read_plan_text(const std::string& text, const std::string& name);
/// The text that read_plan_text() reads back to the same rows.
std::string plan_text(const std::vector<PlanRow>& rows);

/// Value of the column `params`: name=value pairs in the order of their names, joined with `;`.
std::string params_text(const std::map<std::string, std::string>& params);

}  // namespace sparsesim::measure
