#include "validate/compare/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "models/substrate/constants.h"
#include "validate/compare/report_json.h"

namespace sparsesim {

namespace {

using nlohmann::ordered_json;

ordered_json summary_json(const Summary& s) {
  return {{"file", s.file},
          {"op", s.op},
          {"pattern", s.pattern},
          {"device", s.device},
          {"rows", s.rows},
          {"failed", s.failed},
          {"time_mape", number_or_null(s.time_mape)},
          {"time_median_ape", number_or_null(s.time_median_ape)},
          {"time_p90_ape", number_or_null(s.time_p90_ape)},
          {"speedup_mape", number_or_null(s.speedup_mape)},
          {"sign_accuracy", number_or_null(s.sign_accuracy)},
          {"rank_correlation", number_or_null(s.rank_correlation)},
          {"seconds", s.seconds}};
}

ordered_json lost_json(const std::vector<LossTerm>& lost) {
  ordered_json out = nullptr;
  for (const LossTerm& term : lost) out.push_back({{"term", term.term}, {"factor", term.factor}});
  return out;
}

ordered_json row_json(const ComparedRow& row) {
  const bool ok = !row.predicted.failed;
  return {{"id", row.measured.id},
          {"file", row.file},
          {"device", row.measured.device},
          {"op", row.measured.op.op},
          {"pattern", row.measured.op.pattern},
          {"predicted_us", ok ? ordered_json(row.predicted.time_us) : ordered_json(nullptr)},
          {"measured_us", number_or_null(row.measured.time_us)},
          {"predicted_speedup", number_or_null(row.predicted.speedup)},
          {"measured_speedup", number_or_null(row.measured.measured_speedup())},
          {"largest_loss",
           row.predicted.largest_loss.empty() ? ordered_json(nullptr) : ordered_json(row.predicted.largest_loss)},
          {"lost", lost_json(row.predicted.lost)},
          {"bound", ok ? ordered_json(row.predicted.bound) : ordered_json(nullptr)},
          {"reason", ok ? ordered_json(nullptr) : ordered_json(row.predicted.reason)}};
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string csv_number(std::optional<double> value) { return value ? fmt::format("{}", *value) : ""; }

}  // namespace

std::vector<FittedConstant> fitted_constants(const Substrate& substrate) {
  std::vector<FittedConstant> out;
  for (const Constant& constant : constants(substrate)) {
    if (constant.quantity.kind != Provenance::fitted) continue;
    const std::string text = display(constant.quantity.value, constant.dimension, constant.path);
    const auto space = text.find(' ');
    const std::string unit = space == std::string::npos ? "" : text.substr(space + 1);
    out.push_back({constant.path, substrate.name, constant.quantity.fitted_to, std::stod(text), unit});
  }
  return out;
}

std::string comparison_json(const Comparison& c) {
  ordered_json out = {
      {"summary", ordered_json::array()},
      {"rows", ordered_json::array()},
      {"fitted", ordered_json::array()},
      {"provenance",
       {{"version", c.version}, {"seed", c.seed}, {"inputs_hash", c.inputs_hash}, {"substrates", c.substrates}}}};
  for (const auto& s : c.summary) out["summary"].push_back(summary_json(s));
  for (const auto& row : c.rows) out["rows"].push_back(row_json(row));
  for (const auto& f : c.fitted)
    out["fitted"].push_back({{"name", f.name},
                             {"substrate", f.substrate},
                             {"value", f.value},
                             {"unit", f.unit},
                             {"fitted_to", f.fitted_to}});
  if (c.changes) out["changes"] = changes_json(*c.changes);
  return out.dump(1) + "\n";
}

std::string comparison_csv(const Comparison& c) {
  std::string out =
      "id,file,device,op,pattern,predicted_us,measured_us,time_ape,predicted_speedup,measured_speedup,speedup_ape,"
      "largest_loss,bound,reason\n";
  for (const auto& row : c.rows) {
    const bool ok = !row.predicted.failed;
    out += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_field(row.measured.id), csv_field(row.file),
                       csv_field(row.measured.device), row.measured.op.op, csv_field(row.measured.op.pattern),
                       ok ? fmt::format("{}", row.predicted.time_us) : "", csv_number(row.measured.time_us),
                       csv_number(row.time_error()), csv_number(row.predicted.speedup),
                       csv_number(row.measured.measured_speedup()), csv_number(row.speedup_error()),
                       csv_field(row.predicted.largest_loss), row.predicted.bound, csv_field(row.predicted.reason));
  }
  return out;
}

}  // namespace sparsesim
