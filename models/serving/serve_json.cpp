#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "models/serving/serve_report.h"
#include "sim/stats/csv.h"

namespace sparsesim {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Percentiles& p) { return {{"mean", p.mean}, {"p50", p.p50}, {"p95", p.p95}, {"p99", p.p99}}; }

Json json_of(const SideResult& side) {
  const MemoryPlan& m = side.memory;
  Json out = {{"fits", side.misfit.empty()}};
  if (!side.misfit.empty()) out["reason"] = side.misfit;
  out["capacity_requests_per_s"] = side.capacity > 0 ? Json(side.capacity) : Json();
  if (side.goodput) out["goodput_requests_per_s"] = *side.goodput;
  out["sequences_fit"] = side.sequences_fit;
  out["memory_bytes_per_device"] = {{"capacity", m.capacity},         {"granted", m.granted},
                                    {"weights", m.weights},           {"metadata", m.metadata},
                                    {"activations", m.activations},   {"reserved", m.reserved},
                                    {"kv_per_token", m.kv_per_token}, {"kv_block", m.block_bytes}};
  out["kv_blocks"] = m.blocks;
  return out;
}

Json json_of(const LoadResult& load, const SideResult& side, int devices) {
  if (!side.misfit.empty()) return Json();
  Json out = {{"overloaded", load.overloaded}};
  if (load.overloaded) return out;
  const ServiceSummary& s = load.summary;
  out["time_to_first_token_ms"] = json_of(s.first_token);
  out["time_per_output_token_ms"] = json_of(s.per_token);
  out["inter_token_latency_ms"] = json_of(s.gap);
  out["end_to_end_ms"] = json_of(s.end_to_end);
  out["queue_ms"] = json_of(s.wait);
  out["requests_per_s"] = s.requests_per_second;
  out["tokens_per_s"] = s.tokens_per_second;
  out["tokens_per_s_per_device"] = s.tokens_per_second / devices;
  out["output_tokens_per_s"] = s.output_per_second;
  out["output_tokens_per_s_per_device"] = s.output_per_second / devices;
  out["batch"] = {{"mean", s.mean_batch}, {"p95", s.p95_batch}};
  out["requests_in_system"] = s.mean_in_system;
  out["busy"] = s.busy;
  out["steps"] = load.steps;
  out["kv_blocks_peak"] = load.blocks_peak;
  out["kv_peak_bytes_per_device"] = side.memory.kv_bytes(load.blocks_peak);
  out["preemptions"] = load.preemptions;
  out["recomputed_tokens"] = load.recomputed_tokens;
  out["cached_share"] = load.cached_share();
  return out;
}

Json json_of(const ServedCoverage& c) {
  return {{"share", c.coverage}, {"kernel_speedup", c.kernel_speedup}, {"amdahl", c.amdahl}};
}

Json json_of(const Interval& interval) {
  const auto end = [](double value) { return std::isfinite(value) ? Json(value) : Json(); };
  return {{"low", end(interval.low)}, {"high", end(interval.high)}};
}

Json json_of(const ServeInterval& interval) {
  Json out = {{"guesses", Json::array()}};
  if (interval.overhead) out["guesses"].push_back("step_overhead");
  if (interval.reserved) out["guesses"].push_back("reserved");
  const auto add = [&](const char* name, const std::optional<FigureInterval>& figure) {
    if (!figure) return;
    out[name] = {{"dense", json_of(figure->sides[0])}, {"sparse", json_of(figure->sides[1])}};
    if (figure->ratio) out[name]["ratio"] = json_of(*figure->ratio);
  };
  add("capacity_requests_per_s", interval.capacity);
  add("time_to_first_token_p50_ms", interval.first_token);
  add("time_per_output_token_p50_ms", interval.per_token);
  return out;
}

}  // namespace

std::string format_json(const ServeResult& result, const ServedQuality& quality) {
  Json out = {{"substrate", result.substrate}, {"workload", result.workload}, {"devices", result.devices}};
  out["mean_input"] = result.mean_input;
  out["mean_output"] = result.mean_output;
  out["max_batched_tokens"] = result.spec.max_batched_tokens;
  out["max_sequences"] = result.spec.max_sequences;
  out["dense"] = json_of(result.sides[0]);
  out["sparse"] = json_of(result.sides[1]);
  out["points"] = Json::array();
  for (const RatePoint& point : result.points) {
    Json one = {{"rate", point.rate > 0 ? Json(point.rate) : Json()}};
    one["dense"] = json_of(point.sides[0], result.sides[0], result.devices);
    one["sparse"] = json_of(point.sides[1], result.sides[1], result.devices);
    if (result.has_recipe && result.sides[0].misfit.empty() && !point.sides[0].overloaded)
      one["coverage"] = json_of(coverage_of(point.sides[0].totals));
    out["points"].push_back(std::move(one));
  }
  if (result.interval) out["interval"] = json_of(*result.interval);
  out["fallbacks"] = Json::array();
  for (const auto& [name, reason] : result.fallbacks) out["fallbacks"].push_back({{"op", name}, {"reason", reason}});
  if (!quality.dense.empty() || !quality.sparse.empty())
    out["quality"] = {{"dense", quality.dense}, {"sparse", quality.sparse}};
  out["provenance"] = {{"version", SPARSESIM_VERSION}, {"seed", result.seed}};
  return out.dump(2) + "\n";
}

std::string format_requests(const ServeResult& result) {
  std::string text = csv_line({"rate", "side", "request", "replica", "input", "output", "arrival_s", "start_s",
                               "first_token_s", "end_s", "preemptions"});
  const auto seconds = [](Time time) { return fmt::format("{:.9f}", time.seconds()); };
  for (const RatePoint& point : result.points)
    for (std::size_t side = 0; side < 2; ++side) {
      std::int64_t number = 0;
      for (const ServedRequest& r : point.sides[side].requests)
        text += csv_line({fmt::format("{}", point.rate), side == 0 ? "dense" : "sparse", fmt::format("{}", number++),
                          fmt::format("{}", r.replica), fmt::format("{}", r.input), fmt::format("{}", r.output),
                          seconds(r.arrival), seconds(r.start), seconds(r.first_token), seconds(r.end),
                          fmt::format("{}", r.preemptions)});
    }
  return text;
}

}  // namespace sparsesim
