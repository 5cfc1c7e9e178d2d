#include "models/serving/batch_service.h"

#include <algorithm>
#include <deque>
#include <vector>

#include "models/serving/request_source.h"
#include "models/serving/system_area.h"
#include "sim/core/simulation.h"

namespace sparsesim {
namespace {

enum BatchEvent : std::uint32_t { kBatchEnds, kBatchArrival, kTakeBatch };

class BatchService {
 public:
  BatchService(std::span<const Request> requests, const BatchSettings& settings, const BatchTime& time)
      : requests_(requests),
        settings_(settings),
        time_(time),
        source_(requests, settings.concurrency, simulation_, kBatchArrival, kBatchArrival),
        working_(static_cast<std::size_t>(settings.instances)) {
    run_.requests.resize(requests.size());
    run_.batches.resize(static_cast<std::size_t>(settings.max_batch) + 1);
    run_.busy.resize(working_.size());
  }

  std::optional<ServiceRun> run() {
    if (!source_.play(settings_.stop, [&](const Event& event) { handle(event); })) return std::nullopt;
    require(source_.answered_count() == requests_.size(), "requests were lost");
    run_.mean_in_system = area_.check(run_);
    return std::move(run_);
  }

 private:
  void handle(const Event& event) {
    if (event.kind == kBatchArrival) return arrive(static_cast<std::size_t>(event.arg));
    if (event.kind == kBatchEnds) return end_batch(static_cast<std::size_t>(event.arg));
    take_batches();
  }

  void arrive(std::size_t number) {
    const Time now = simulation_.now();
    area_.change(now, +1);
    run_.requests[number].arrival = now;
    if (number == 0) run_.start = now;
    queue_.push_back(number);
    simulation_.at(now, kTakeBatch, kTakeBatch);
    simulation_.at(checked_sum(now, settings_.max_wait), kTakeBatch, kTakeBatch);
    source_.arrived();
  }

  void take_batches() {
    const auto most = static_cast<std::size_t>(settings_.max_batch);
    for (std::size_t i = 0; i < working_.size() && !queue_.empty(); ++i) {
      if (!working_[i].empty()) continue;
      const Time waited = simulation_.now() - run_.requests[queue_.front()].arrival;
      if (queue_.size() < most && waited < settings_.max_wait) return;
      const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(most, queue_.size()));
      working_[i].assign(queue_.begin(), end);
      queue_.erase(queue_.begin(), end);
      start_batch(i);
    }
  }

  void start_batch(std::size_t instance) {
    const std::vector<std::size_t>& batch = working_[instance];
    ++run_.steps;
    ++run_.batches[batch.size()];
    for (const std::size_t number : batch) {
      run_.requests[number].start = simulation_.now();
      run_.requests[number].replica = static_cast<int>(instance);
    }
    const Time work = time_(static_cast<std::int64_t>(batch.size()));
    run_.busy[instance] = checked_sum(run_.busy[instance], work);
    simulation_.at(checked_sum(simulation_.now(), work), kBatchEnds, kBatchEnds, instance);
  }

  void end_batch(std::size_t instance) {
    for (const std::size_t number : working_[instance]) {
      run_.requests[number].first_token = run_.requests[number].end = run_.end = simulation_.now();
      area_.change(simulation_.now(), -1);
      source_.answered();
    }
    working_[instance].clear();
    if (settings_.progress) settings_.progress(source_.answered_count(), requests_.size());
    simulation_.at(simulation_.now(), kTakeBatch, kTakeBatch);
  }

  const std::span<const Request> requests_;
  const BatchSettings& settings_;
  const BatchTime& time_;
  Simulation simulation_;
  RequestSource source_;
  std::deque<std::size_t> queue_;                  // requests, oldest first
  std::vector<std::vector<std::size_t>> working_;  // [instances]: the batch at work; empty: free
  ServiceRun run_;
  SystemArea area_;
};

}  // namespace

std::optional<ServiceRun> simulate_batches(std::span<const Request> requests, const BatchSettings& settings,
                                           const BatchTime& time) {
  if (requests.empty()) return ServiceRun{};
  return BatchService(requests, settings, time).run();
}

}  // namespace sparsesim
