#pragma once
// A whole model behind a server, with its recipe and without: what users wait for, what the machine can carry.

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/serving/dynamic_cost.h"
#include "models/serving/memory_plan.h"
#include "models/serving/model_cost.h"
#include "models/serving/serve_interval.h"
#include "models/serving/serving_spec.h"
#include "models/serving/summary.h"

namespace sparsesim {

struct ServeOptions {
  std::uint64_t seed = 1;
  int threads = 0;       // 0: one per processor
  bool interval = true;  // of one rate: what the guessed constants leave open, in five times the runs
  std::function<void(std::size_t, std::size_t)> progress = {};  // (requests, of all) of the run at hand
  const std::atomic<bool>* stop = nullptr;
};

/// One side under one load.
struct LoadResult {
  bool overloaded = false;  // the offered rate is the capacity or more: no latencies
  ServiceSummary summary;   // unless overloaded
  std::vector<ServedRequest> requests;
  std::int64_t blocks_peak = 0, preemptions = 0, recomputed_tokens = 0, steps = 0;
  std::int64_t asked_tokens = 0, cached_tokens = 0;  // of prompts, and of them found in the cache of prefixes
  StepTotals totals;
  double cached_share() const {
    return asked_tokens > 0 ? static_cast<double>(cached_tokens) / static_cast<double>(asked_tokens) : 0;
  }
};

/// One side, whatever the load.
struct SideResult {
  std::string misfit;  // why it cannot run at all; empty where it can
  MemoryPlan memory;
  std::int64_t sequences_fit = 0;  // requests of mean length that the blocks of a replica hold at their end
  double capacity = 0;             // requests per second; 0 where users wait for their answers (closed loop)
  std::optional<double> goodput;   // highest rate that keeps the section's ttft and tpot, where it has them
};

struct RatePoint {
  double rate = 0;                  // requests per second; 0: closed loop
  std::array<LoadResult, 2> sides;  // dense, sparse
};

struct ServeResult {
  std::string substrate, workload;
  std::uint64_t seed = 1;
  int devices = 1;
  ServingSpec spec;
  double mean_input = 0, mean_output = 0;
  std::array<SideResult, 2> sides;        // dense, sparse
  std::vector<RatePoint> points;          // in the order of the rates
  std::optional<ServeInterval> interval;  // of one rate: what the guessed constants leave open
  std::map<std::string, std::string> fallbacks;
  bool has_recipe = false;
};

/// Constants of a service that may be guesses.
struct ServiceGuesses {
  double step_overhead = 0;  // s
  double reserved = 0;       // bytes of a device
};

/// Serves one model on one machine at any number of rates; what a step costs is remembered from one to the next.
class ModelService {
 public:
  /// Errors: config::ConfigError where the machine has too few devices, the model is no decoder, or a prompt that may
  /// not be spread is longer than a step.
  ModelService(const Model& model, const Substrate& substrate, const ServingSpec& spec, const ServeOptions& options,
               const config::Position& place);

  /// Memory and capacity of a side; nothing where `stop` was set.
  std::optional<SideResult> side(ServedSide side);
  /// Requests at `rate` against a side that fits; nothing where `stop` was set. `capacity` as side() says.
  std::optional<LoadResult> load(ServedSide side, double rate, const SideResult& known);
  /// The highest rate at which 95 % of the requests keep `ttft` and `tpot`, to a thousandth of the capacity, by
  /// bisection; 0 where none does. Nothing where `stop` was set.
  std::optional<double> goodput(ServedSide side, const SideResult& known);
  const PassTimes& times() const { return times_; }
  /// (name, reason) of ops that run densely because the machine has no kernel for their pattern.
  std::map<std::string, std::string> fallbacks() const;
  const ServingSpec& spec() const { return spec_; }
  ServiceGuesses guesses() const { return {spec_.step_overhead, spec_.reserved_bytes}; }
  /// What follows is served with these; kernels stay simulated.
  void assume(const ServiceGuesses& guesses);
  double mean_input() const { return mean_input_; }
  double mean_output() const { return mean_output_; }
  /// Requests per second that the section or its trace offers; 0: closed loop.
  double offered_rate() const { return sparsesim::offered_rate(spec_, requests_); }

 private:
  ServiceSettings settings(const MemoryPlan& plan) const;
  std::optional<double> saturate(ServedSide side, const MemoryPlan& plan);
  /// What steps of these requests cost.
  std::unique_ptr<ServedCost> cost_of(ServedSide side, const std::vector<Request>& requests);
  Time host_time() const { return Time::from_seconds(spec_.step_overhead); }

  const Substrate& substrate_;
  ServingSpec spec_;
  const ServeOptions options_;
  Model dense_;
  PassTimes times_;
  std::optional<DynamicTimes> dynamic_;  // of a model in which tokens leave
  std::vector<Request> requests_;
  std::int64_t longest_ = 0;  // kept tokens of a request
  double mean_input_ = 0, mean_output_ = 0, mean_blocks_ = 0;
};

/// The whole of what `sparsesim serve` says, at these rates (empty: the section's own). Nothing where `stop` was set.
/// Errors: those of ModelService; config::ConfigError where the model does not fit even with its recipe.
std::optional<ServeResult> serve_model(const Model& model, const Substrate& substrate, const ServingSpec& spec,
                                       const std::vector<double>& rates, const ServeOptions& options,
                                       const config::Position& place);

}  // namespace sparsesim
