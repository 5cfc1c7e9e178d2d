#include "validate/compare/html_report.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "sim/page/page.h"
#include "validate/compare/features.h"
#include "validate/compare/report_json.h"

namespace sparsesim {

extern const PageTemplate kReportPage;  // written at build time from validate/compare/page

namespace {

using nlohmann::ordered_json;

/// Numbers names in the order in which they come.
class Names {
 public:
  std::size_t index(const std::string& name) {
    const auto [found, fresh] = index_.try_emplace(name, list_.size());
    if (fresh) list_.push_back(name);
    return found->second;
  }
  const std::vector<std::string>& list() const { return list_; }

 private:
  std::map<std::string, std::size_t> index_;
  std::vector<std::string> list_;
};

struct RowNames {
  Names files, devices, ops, patterns, dtypes, kernels, bounds, terms, reasons;
};

/// Six digits: less than a pixel, and a third of the bytes.
ordered_json number(std::optional<double> value) {
  return value ? ordered_json(std::stod(fmt::format("{:.6g}", *value))) : ordered_json(nullptr);
}

std::string sizes(const MeasuredOp& op) {
  std::string out = op.m > 0 ? fmt::format("{} x {} x {}", op.m, op.n, op.k) : "";
  if (op.devices > 1) out += fmt::format("{}{} devices", out.empty() ? "" : ", ", op.devices);
  if (op.sparsity) out += fmt::format("{}{:.4g} % zeros", out.empty() ? "" : ", ", 100 * *op.sparsity);
  for (const auto& [name, value] : op.params) out += fmt::format("{}{}={}", out.empty() ? "" : ", ", name, value);
  return out;
}

constexpr std::array kPageColumns = {"id",         "file",   "device", "op",           "pattern",     "dtype",
                                     "sizes",      "kernel", "note",   "predicted_us", "measured_us", "predicted_x",
                                     "measured_x", "bound",  "lost",   "reason"};

ordered_json row_data(const ComparedRow& row, RowNames& names) {
  const Measurement& m = row.measured;
  const RowPrediction& p = row.predicted;
  ordered_json lost = nullptr;
  for (const LossTerm& term : p.lost) lost.push_back({names.terms.index(term.term), number(term.factor)});
  return {m.id,
          names.files.index(row.file),
          names.devices.index(m.device),
          names.ops.index(m.op.op),
          names.patterns.index(m.op.pattern),
          names.dtypes.index(m.op.dtype),
          sizes(m.op),
          names.kernels.index(m.op.kernel),
          m.note,
          p.failed ? ordered_json(nullptr) : number(p.time_us),
          number(m.time_us),
          number(p.failed ? std::nullopt : p.speedup),
          number(m.measured_speedup()),
          p.failed ? ordered_json(nullptr) : ordered_json(names.bounds.index(p.bound)),
          lost,
          p.failed ? ordered_json(names.reasons.index(p.reason)) : ordered_json(nullptr)};
}

ordered_json variance_data(const Comparison& c) {
  ordered_json out = ordered_json::array();
  for (const VarianceExplained& v : variance_explained(c.rows))
    out.push_back({{"op", v.op},
                   {"pattern", v.pattern},
                   {"rows", v.rows},
                   {"sparsity", number(v.by_sparsity)},
                   {"features", number(v.by_features)},
                   {"simulation", number(v.by_simulation)}});
  return out;
}

}  // namespace

std::string report_data(const Comparison& c) {
  RowNames names;
  ordered_json rows = ordered_json::array(), fitted = ordered_json::array();
  for (const ComparedRow& row : c.rows) rows.push_back(row_data(row, names));
  for (const FittedConstant& f : c.fitted)
    fitted.push_back(
        {f.substrate, f.name, fmt::format("{}{}{}", f.value, f.unit.empty() ? "" : " ", f.unit), f.fitted_to});
  const ordered_json out = {
      {"provenance",
       {{"version", c.version}, {"seed", c.seed}, {"inputs_hash", c.inputs_hash}, {"machines", c.substrates}}},
      {"names",
       {{"file", names.files.list()},
        {"device", names.devices.list()},
        {"op", names.ops.list()},
        {"pattern", names.patterns.list()},
        {"dtype", names.dtypes.list()},
        {"kernel", names.kernels.list()},
        {"bound", names.bounds.list()},
        {"term", names.terms.list()},
        {"reason", names.reasons.list()}}},
      {"columns", kPageColumns},
      {"rows", rows},
      {"variance", variance_data(c)},
      {"features", feature_names()},
      {"published_share", kPublishedShareExplained},
      {"same_error", kSameError},
      {"changes", c.changes ? changes_json(*c.changes) : ordered_json(nullptr)},
      {"fitted", fitted}};
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string html_report(const Comparison& comparison) { return write_page(kReportPage, report_data(comparison)); }

}  // namespace sparsesim
