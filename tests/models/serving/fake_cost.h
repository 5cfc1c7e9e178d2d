#pragma once
// Step costs that a test can compute in its head.

#include <functional>
#include <utility>
#include <vector>

#include "models/serving/service.h"

namespace sparsesim {

/// A time by formula.
class FakeCost : public StepCost {
 public:
  using Formula = std::function<StepTime(std::span<const StepSequence>)>;
  explicit FakeCost(Formula formula) : formula_(std::move(formula)) {}
  /// The same time for every step.
  explicit FakeCost(Time time) : FakeCost([time](auto) { return StepTime{{}, time, {}, {}}; }) {}
  StepTime step(std::span<const StepSequence> sequences) override {
    ++steps;
    return formula_(sequences);
  }
  std::int64_t steps = 0;

 private:
  Formula formula_;
};

/// 1 ms and 1 us per token and 10 ns per key: a step of a small model.
inline StepTime small_model(std::span<const StepSequence> sequences) {
  Time time = Time::from_us(1000);
  for (const StepSequence& s : sequences) time += Time::from_us(s.queries) + Time::from_ns(10 * s.keys);
  return {{}, time, {}, {}};
}

inline SchedulerLimits plenty() {
  SchedulerLimits limits;
  limits.blocks = std::int64_t{1} << 40;
  return limits;
}

inline double mean_wait_seconds(const ServiceRun& run) {
  double sum = 0;
  for (const ServedRequest& request : run.requests) sum += request.wait().seconds();
  return sum / static_cast<double>(run.requests.size());
}

inline double mean_latency_seconds(const ServiceRun& run) {
  double sum = 0;
  for (const ServedRequest& request : run.requests) sum += request.latency().seconds();
  return sum / static_cast<double>(run.requests.size());
}

}  // namespace sparsesim
