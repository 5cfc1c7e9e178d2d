#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "models/serving/batch_serve.h"
#include "models/serving/serve_cells.h"
#include "sim/core/printable.h"
#include "sim/stats/csv.h"
#include "sim/stats/table.h"

namespace sparsesim {
namespace {

using Json = nlohmann::ordered_json;
using Row = std::vector<std::string>;
constexpr double kMicrosecondsPerMillisecond = 1e3;

void add_row(std::vector<Row>& rows, const std::string& name, std::array<double, 2> values,
             std::array<bool, 2> has = {true, true}) {
  rows.push_back({name, has[0] ? figure(values[0]) : "-", has[1] ? figure(values[1]) : "-",
                  has[0] && has[1] ? change(values[0], values[1]) : ""});
}

std::vector<Row> rows_of(const BatchServeResult& result, const BatchPoint& point) {
  std::vector<Row> rows;
  const std::array<bool, 2> ran = {!point.overloaded[0], !point.overloaded[1]};
  const auto run_row = [&](const std::string& name, auto value) {
    add_row(rows, name, {value(point.sides[0]), value(point.sides[1])}, ran);
  };
  const auto percentile_rows = [&](const char* name, Percentiles ServiceSummary::*latency) {
    run_row(fmt::format("{} p50, ms", name), [=](const ServiceSummary& s) { return (s.*latency).p50; });
    run_row(fmt::format("{} p95, ms", name), [=](const ServiceSummary& s) { return (s.*latency).p95; });
    run_row(fmt::format("{} p99, ms", name), [=](const ServiceSummary& s) { return (s.*latency).p99; });
  };
  add_row(rows, "capacity, requests/s", result.capacity);
  add_row(rows, "one request alone, ms",
          {result.one.dense.us() / kMicrosecondsPerMillisecond, result.one.sparse.us() / kMicrosecondsPerMillisecond});
  add_row(
      rows, fmt::format("batch of {}, ms", result.spec.max_batch),
      {result.full.dense.us() / kMicrosecondsPerMillisecond, result.full.sparse.us() / kMicrosecondsPerMillisecond});
  percentile_rows("latency", &ServiceSummary::end_to_end);
  percentile_rows("wait for the batch", &ServiceSummary::wait);
  run_row("requests/s", [](const ServiceSummary& s) { return s.requests_per_second; });
  run_row("requests/s per device", [&](const ServiceSummary& s) { return s.requests_per_second / result.devices; });
  run_row("batch mean", [](const ServiceSummary& s) { return s.mean_batch; });
  run_row("batch p95", [](const ServiceSummary& s) { return s.p95_batch; });
  run_row("requests in the system", [](const ServiceSummary& s) { return s.mean_in_system; });
  run_row("busy, share of the time", [](const ServiceSummary& s) { return s.busy; });
  return rows;
}

std::string overload_notes(const BatchServeResult& result, const BatchPoint& point) {
  std::string text;
  for (const std::size_t side : {0, 1})
    if (point.overloaded[side])
      text += fmt::format("  {}: overloaded: capacity {} requests/s, {} are offered; the queue grows without bound\n",
                          side == 0 ? "dense" : "sparse", figure(result.capacity[side]), figure(point.rate));
  return text;
}

Json json_of_latency(const Percentiles& p) {
  return {{"mean", p.mean}, {"p50", p.p50}, {"p95", p.p95}, {"p99", p.p99}};
}

Json json_of_side(const BatchServeResult& result, const BatchPoint& point, std::size_t side) {
  Json out = {{"overloaded", point.overloaded[side]}};
  if (point.overloaded[side]) return out;
  const ServiceSummary& s = point.sides[side];
  out["end_to_end_ms"] = json_of_latency(s.end_to_end);
  out["queue_ms"] = json_of_latency(s.wait);
  out["requests_per_s"] = s.requests_per_second;
  out["requests_per_s_per_device"] = s.requests_per_second / result.devices;
  out["batch"] = {{"mean", s.mean_batch}, {"p95", s.p95_batch}};
  out["requests_in_system"] = s.mean_in_system;
  out["busy"] = s.busy;
  return out;
}

}  // namespace

std::string format_table(const BatchServeResult& result, const ServedQuality& quality) {
  std::string text = fmt::format("{} on {}: {} requests, batches of up to {}, {} device{}\n",
                                 printable(result.workload), printable(result.substrate), result.request_count,
                                 result.spec.max_batch, result.devices, result.devices == 1 ? "" : "s");
  for (const BatchPoint& point : result.points) {
    std::vector<Row> rows = rows_of(result, point);
    if (!quality.dense.empty() || !quality.sparse.empty())
      rows.push_back({"quality, as given", quality.dense, quality.sparse});
    const std::string title = point.rate > 0 ? fmt::format("{} requests/s", figure(point.rate))
                                             : fmt::format("{} users", result.spec.concurrency);
    text += "\n" + format_table({{title}, {"dense", Align::right}, {"sparse", Align::right}, {"delta", Align::right}},
                                rows, 2);
    if (const std::string notes = overload_notes(result, point); !notes.empty()) text += "\n" + notes;
  }
  const BatchTimes::Run& full = result.full;
  text += fmt::format(
      "\n  sparse kernels replace {:.1f} % of the dense time of a full batch and are {:.2f}x faster: "
      "Amdahl {:.2f}x\n",
      100 * full.coverage, full.kernel_speedup, full.amdahl);
  for (const auto& [name, reason] : full.fallbacks)
    text += fmt::format("  {} runs densely: {}\n", printable(name), printable(reason));
  return text;
}

std::string format_json(const BatchServeResult& result, const ServedQuality& quality) {
  Json out = {{"substrate", result.substrate}, {"workload", result.workload}, {"devices", result.devices}};
  out["max_batch"] = result.spec.max_batch;
  for (const std::size_t side : {0, 1}) {
    const auto us = [&](const BatchTimes::Run& run) { return (side == 0 ? run.dense : run.sparse).us(); };
    out[side == 0 ? "dense" : "sparse"] = {{"capacity_requests_per_s", result.capacity[side]},
                                           {"one_request_us", us(result.one)},
                                           {"full_batch_us", us(result.full)}};
  }
  out["coverage"] = {
      {"share", result.full.coverage}, {"kernel_speedup", result.full.kernel_speedup}, {"amdahl", result.full.amdahl}};
  out["points"] = Json::array();
  for (const BatchPoint& point : result.points)
    out["points"].push_back({{"rate", point.rate > 0 ? Json(point.rate) : Json()},
                             {"dense", json_of_side(result, point, 0)},
                             {"sparse", json_of_side(result, point, 1)}});
  out["fallbacks"] = Json::array();
  for (const auto& [name, reason] : result.full.fallbacks)
    out["fallbacks"].push_back({{"op", name}, {"reason", reason}});
  if (!quality.dense.empty() || !quality.sparse.empty())
    out["quality"] = {{"dense", quality.dense}, {"sparse", quality.sparse}};
  out["provenance"] = {{"version", SPARSESIM_VERSION}, {"seed", result.seed}};
  return out.dump(2) + "\n";
}

std::string format_requests(const BatchServeResult& result) {
  std::string text = csv_line({"rate", "side", "request", "instance", "arrival_s", "start_s", "end_s"});
  const auto seconds = [](Time time) { return fmt::format("{:.9f}", time.seconds()); };
  for (const BatchPoint& point : result.points)
    for (const std::size_t side : {0, 1}) {
      std::int64_t number = 0;
      for (const ServedRequest& r : point.requests[side])
        text += csv_line({fmt::format("{}", point.rate), side == 0 ? "dense" : "sparse", fmt::format("{}", number++),
                          fmt::format("{}", r.replica), seconds(r.arrival), seconds(r.start), seconds(r.end)});
    }
  return text;
}

}  // namespace sparsesim
