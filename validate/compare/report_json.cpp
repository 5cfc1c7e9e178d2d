#include "validate/compare/report_json.h"

namespace sparsesim {

using nlohmann::ordered_json;

ordered_json number_or_null(std::optional<double> value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

namespace {

ordered_json quantity_json(const QuantityChange& q) {
  return {{"rows", q.rows},
          {"better", q.better},
          {"worse", q.worse},
          {"before", number_or_null(q.before)},
          {"after", number_or_null(q.after)}};
}

ordered_json row_changes_json(const std::vector<RowChange>& changes) {
  ordered_json out = ordered_json::array();
  for (const RowChange& c : changes)
    out.push_back({{"id", c.id},
                   {"file", c.file},
                   {"op", c.op},
                   {"pattern", c.pattern},
                   {"device", c.device},
                   {"what", c.speedup ? "speedup" : "time_us"},
                   {"measured", c.measured},
                   {"predicted_before", c.predicted_before},
                   {"predicted_after", c.predicted_after},
                   {"error_before", c.before},
                   {"error_after", c.after}});
  return out;
}

}  // namespace

ordered_json changes_json(const Changes& c) {
  ordered_json families = ordered_json::array();
  for (const FamilyChange& f : c.families)
    families.push_back({{"op", f.op},
                        {"pattern", f.pattern},
                        {"device", f.device},
                        {"failed_before", f.failed_before},
                        {"failed_after", f.failed_after},
                        {"time", quantity_json(f.time)},
                        {"speedup", quantity_json(f.speedup)},
                        {"sign_accuracy_before", number_or_null(f.winner_before)},
                        {"sign_accuracy_after", number_or_null(f.winner_after)}});
  return {{"baseline", c.name},
          {"version", c.version},
          {"inputs_hash", c.inputs_hash},
          {"compared", c.common},
          {"only_before", c.only_before},
          {"only_after", c.only_after},
          {"measured_anew", c.measured_anew},
          {"families", families},
          {"better", row_changes_json(c.better)},
          {"worse", row_changes_json(c.worse)}};
}

}  // namespace sparsesim
