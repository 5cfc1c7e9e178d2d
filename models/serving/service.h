#pragma once
// A served model as a discrete-event simulation of its steps: requests arrive, wait, are batched, and leave.

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "models/serving/request.h"
#include "models/serving/scheduler.h"
#include "models/serving/step_cost.h"

namespace sparsesim {

/// Which replica a request goes to when it arrives.
enum class Router {
  round_robin,
  least_loaded,  // the one with the fewest requests in it; of equals the first
};

struct ServiceSettings {
  SchedulerLimits limits;  // of each replica
  int replicas = 1;
  int stages = 1;  // of the pipeline: as many steps are in flight at most
  Router router = Router::round_robin;
  /// Users who each send the next request when the last one is answered; 0: requests arrive at their times.
  std::int64_t concurrency = 0;
  std::function<void(std::size_t, std::size_t)> progress = {};  // (requests done, of all)
  const std::atomic<bool>* stop = nullptr;
};

/// So many tokens came so long after the token before them.
struct TokenGap {
  Time gap;
  std::int64_t count = 0;
};

struct ServiceRun {
  std::vector<ServedRequest> requests;  // in order of their numbers
  std::vector<TokenGap> gaps;           // ascending
  std::vector<std::int64_t> batches;    // [sequences + 1]: steps with so many sequences
  std::int64_t steps = 0, tokens = 0;   // tokens: computed, those after preemptions once more
  std::int64_t preemptions = 0, recomputed_tokens = 0;
  std::int64_t asked_tokens = 0, cached_tokens = 0;  // of prompts when they were admitted, and found in the cache
  std::int64_t blocks_peak = 0;                      // of the fullest replica
  std::vector<Time> busy;                            // [replicas]: of the first stage, host included
  Time start, end;                                   // first arrival, last answer
  double mean_in_system = 0;                         // requests, over start..end
  Time duration() const { return end - start; }
};

/// Simulates until every request is answered; nothing where `stop` was set.
///
/// A replica makes its next step as soon as its first stage is free, from the sequences that are not in flight; the
/// step visits the stages one after the other, each first come first served. Events at one instant come in the order:
/// steps end, stages get free, requests arrive, steps are made.
/// Always checked: Little's law (the area under the number of requests in the system is the sum of their times in it,
/// to the picosecond), tokens (each output was generated once), blocks (all are given back).
/// Errors: SimulationError for a request that no replica could ever hold; std::overflow_error beyond 106 days.
std::optional<ServiceRun> simulate_service(std::span<const Request> requests, const ServiceSettings& settings,
                                           StepCost& cost);

}  // namespace sparsesim
