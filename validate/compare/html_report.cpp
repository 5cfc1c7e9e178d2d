#include "validate/compare/html_report.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "validate/compare/features.h"

namespace sparsesim {

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

constexpr std::array kColumns = {"id",         "file",   "device", "op",           "pattern",     "dtype",
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

ordered_json quantity_data(const QuantityChange& q) {
  return {{"rows", q.rows},
          {"better", q.better},
          {"worse", q.worse},
          {"before", number(q.before)},
          {"after", number(q.after)}};
}

ordered_json change_data(const std::vector<RowChange>& changes) {
  ordered_json out = ordered_json::array();
  for (const RowChange& c : changes)
    out.push_back({{"id", c.id},
                   {"op", c.op},
                   {"pattern", c.pattern},
                   {"device", c.device},
                   {"speedup", c.speedup},
                   {"measured", number(c.measured)},
                   {"predicted_before", number(c.predicted_before)},
                   {"predicted_after", number(c.predicted_after)},
                   {"before", number(c.before)},
                   {"after", number(c.after)}});
  return out;
}

ordered_json changes_data(const Changes& c) {
  ordered_json families = ordered_json::array();
  for (const FamilyChange& f : c.families)
    families.push_back({{"op", f.op},
                        {"pattern", f.pattern},
                        {"device", f.device},
                        {"failed_before", f.failed_before},
                        {"failed_after", f.failed_after},
                        {"time", quantity_data(f.time)},
                        {"speedup", quantity_data(f.speedup)},
                        {"winner_before", number(f.winner_before)},
                        {"winner_after", number(f.winner_after)}});
  return {{"name", c.name},
          {"version", c.version},
          {"inputs_hash", c.inputs_hash},
          {"common", c.common},
          {"only_before", c.only_before},
          {"only_after", c.only_after},
          {"measured_anew", c.measured_anew},
          {"same_error", kSameError},
          {"families", families},
          {"better", change_data(c.better)},
          {"worse", change_data(c.worse)}};
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
      {"columns", kColumns},
      {"rows", rows},
      {"variance", variance_data(c)},
      {"features", feature_names()},
      {"published_share", kPublishedShareExplained},
      {"changes", c.changes ? changes_data(*c.changes) : ordered_json(nullptr)},
      {"fitted", fitted}};
  const std::string text = out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size() + text.size() / 16);
  for (const char ch : text) {
    if (ch == '<')
      safe += "\\u003c";
    else
      safe += ch;
  }
  return safe;
}

std::string html_report(const Comparison& comparison) {
  std::string out(kReportPageHead);
  out += report_data(comparison);
  out += kReportPageTail;
  return out;
}

}  // namespace sparsesim
