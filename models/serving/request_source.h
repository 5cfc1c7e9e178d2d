#pragma once
// Requests on their way to a service: each at its own time, or from users who wait for their answers. Private to this
// folder.

#include <algorithm>
#include <atomic>
#include <span>

#include "models/serving/request.h"
#include "sim/core/simulation.h"

namespace sparsesim {

/// Sends requests in their order, as events of one kind whose argument is the number of the request.
class RequestSource {
 public:
  /// `users` who each send the next request when the last one is answered; 0: requests arrive at their times.
  RequestSource(std::span<const Request> requests, std::int64_t users, Simulation& simulation, std::uint32_t kind,
                std::uint32_t id)
      : requests_(requests), users_(users), simulation_(simulation), kind_(kind), id_(id) {}

  /// Plays a simulation from the first request on. False, in the middle of it, where `stop` was set.
  template <class Handle>
  bool play(const std::atomic<bool>* stop, Handle handle) {
    for (std::int64_t i = 0; i < std::max<std::int64_t>(1, users_); ++i) send_next();
    while (simulation_.step(handle))
      if (stop && stop->load(std::memory_order_relaxed)) return false;
    return true;
  }
  /// To be called for every request that arrives, and for every one that is answered.
  void arrived() {
    if (users_ == 0) send_next();
  }
  void answered() {
    ++answered_;
    if (users_ > 0) send_next();
  }
  std::size_t answered_count() const { return answered_; }

 private:
  void send_next() {
    if (sent_ == requests_.size()) return;
    simulation_.at(users_ > 0 ? simulation_.now() : requests_[sent_].arrival, kind_, id_, sent_);
    ++sent_;
  }

  const std::span<const Request> requests_;
  const std::int64_t users_;
  Simulation& simulation_;
  const std::uint32_t kind_, id_;
  std::size_t sent_ = 0, answered_ = 0;
};

}  // namespace sparsesim
