#include "models/serving/batch_serve.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "models/evaluate/workload.h"
#include "models/evaluate/workload_paths.h"
#include "models/ops/limits.h"
#include "sim/config/edit.h"

namespace sparsesim {
namespace {

config::ConfigError batch_mistake(const config::Position& place, std::string message) {
  return config::ConfigError(config::Mistake{place, std::move(message), {}, {}});
}

/// "ops.mlp.m * 512": the path and the factor; factor 0 for what is no such text.
std::pair<std::string, std::int64_t> path_and_factor(const std::string& text) {
  const std::size_t star = text.find('*');
  std::string path = text.substr(0, star);
  while (!path.empty() && path.back() == ' ') path.pop_back();
  if (star == std::string::npos) return {path, 1};
  std::size_t at = star + 1;
  while (at < text.size() && text[at] == ' ') ++at;
  std::int64_t factor = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + at, end, factor);
  const bool good = error == std::errc() && stop == end && factor >= 1 && factor <= kExtentMost;
  return {path, good ? factor : 0};
}

int devices_of(const Workload& workload) {
  int devices = 1;
  for (const WorkloadOp& op : workload.ops) devices = std::max(devices, op.op->devices());
  return devices;
}

BatchTimes::Run run_of(const Workload& workload, const RunResult& result) {
  BatchTimes::Run run;
  run.dense = result.dense;
  run.sparse = result.sparse;
  run.coverage = result.coverage;
  run.amdahl = result.amdahl;
  // 1 / amdahl = (1 - f) + f / s
  const double replaced = 1 / result.amdahl - (1 - result.coverage);
  run.kernel_speedup = replaced > 0 ? result.coverage / replaced : 1;
  for (const OpResult& op : result.ops)
    if (op.prediction.fallback) run.fallbacks.emplace(op.name, op.prediction.fallback_reason);
  run.devices = devices_of(workload);
  return run;
}

/// Requests whose batches one workload's times decide.
class BatchServer {
 public:
  BatchServer(BatchTimes& times, const ServingSpec& spec, const ServeOptions& options)
      : times_(times), spec_(spec), options_(options) {
    settings_.max_batch = spec.max_batch;
    settings_.max_wait = Time::from_seconds(spec.max_wait);
    settings_.instances = static_cast<int>(spec.instances);
    settings_.concurrency = spec.arrivals == Arrivals::closed ? spec.concurrency : 0;
    settings_.progress = options.progress;
    settings_.stop = options.stop;
  }

  Time time_of(std::size_t side, std::int64_t batch) {
    const BatchTimes::Run& run = times_.of(batch);
    return checked_sum(side == 0 ? run.dense : run.sparse, Time::from_seconds(spec_.step_overhead));
  }
  double capacity(std::size_t side) {
    const auto full = static_cast<double>(spec_.max_batch * spec_.instances);
    return full / time_of(side, spec_.max_batch).seconds();
  }
  std::optional<ServiceRun> run(std::size_t side, const std::vector<Request>& requests) {
    return simulate_batches(requests, settings_, [&](std::int64_t batch) { return time_of(side, batch); });
  }

 private:
  BatchTimes& times_;
  const ServingSpec& spec_;
  const ServeOptions& options_;
  BatchSettings settings_;
};

}  // namespace

BatchTimes::BatchTimes(const config::Node& tree, const Substrate& substrate, const std::vector<std::string>& paths,
                       std::uint64_t seed)
    : tree_(tree), substrate_(substrate), seed_(seed) {
  config::Diagnostics diagnostics;
  const config::Position place = tree.key_position("serving");
  for (const std::string& text : paths) {
    const auto [path, factor] = path_and_factor(text);
    if (factor == 0)
      diagnostics.add(place, fmt::format("batch: \"{}\" is no path, and no path times a whole number", text));
    else if (const std::string wrong = wrong_workload_path(tree, path); !wrong.empty())
      diagnostics.add(place, "batch: " + wrong);
    else
      paths_.push_back({split_workload_path(path), factor});
  }
  diagnostics.throw_if_any();
}

const BatchTimes::Run& BatchTimes::of(std::int64_t batch) {
  if (const auto known = known_.find(batch); known != known_.end()) return known->second;
  std::vector<config::Change> changes;
  config::Diagnostics diagnostics;
  for (const Path& path : paths_)
    changes.push_back({path.keys, config::load_text(std::to_string(batch * path.each),
                                                    fmt::format("batch of {}", batch), diagnostics)});
  const Workload workload = read_workload(config::with_changes(tree_, changes));
  RunOptions options;
  options.seed = seed_;
  options.interval = options.explain = false;
  return known_.emplace(batch, run_of(workload, run(workload, substrate_, options, &memo_))).first->second;
}

std::optional<BatchServeResult> serve_batches(const config::Node& tree, const Substrate& substrate,
                                              const ServingSpec& spec, const std::vector<double>& rates,
                                              const ServeOptions& options, const config::Position& place) {
  BatchTimes times(tree, substrate, spec.batch_paths, options.seed);
  BatchServer server(times, spec, options);
  BatchServeResult result;
  result.substrate = substrate.name;
  result.seed = options.seed;
  result.spec = spec;
  result.one = times.of(1);
  result.full = times.of(spec.max_batch);
  result.devices = static_cast<int>(result.full.devices * spec.instances);
  if (result.devices > std::max(1, substrate.devices))
    throw batch_mistake(place, fmt::format("{} instances need {} devices, {} has {}", spec.instances, result.devices,
                                           substrate.name, substrate.devices));
  for (const std::size_t side : {0, 1}) result.capacity[side] = server.capacity(side);
  const std::vector<Request> requests = make_requests(spec, options.seed);
  result.request_count = static_cast<std::int64_t>(requests.size());
  const double own = offered_rate(spec, requests);
  for (const double rate : rates.empty() ? std::vector{own} : rates) {
    BatchPoint point;
    point.rate = rate;
    const std::vector<Request> arriving = requests_at(spec, requests, rate, options.seed);
    for (const std::size_t side : {0, 1}) {
      point.overloaded[side] = rate > 0 && rate >= result.capacity[side];
      if (point.overloaded[side]) continue;
      auto run = server.run(side, arriving);
      if (!run) return std::nullopt;
      point.sides[side] = summarise(*run);
      point.requests[side] = std::move(run->requests);
    }
    result.points.push_back(std::move(point));
  }
  return result;
}

}  // namespace sparsesim
