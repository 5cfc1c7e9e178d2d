#pragma once
// k equal servers behind one queue.

#include <algorithm>
#include <vector>

#include "sim/core/error.h"
#include "sim/core/fine_time.h"
#include "sim/core/server_stats.h"

namespace sparsesim {

/// Serves requests in order of arrival on whichever of k servers is free first. O(k) per request in the worst case, few
/// steps when service times are alike. Exact under the conditions of FifoServer, whose rounding it shares.
/// Errors: SimulationError when k < 1 or arrivals go back in time.
class MultiServer {
 public:
  explicit MultiServer(int servers) {
    require(servers >= 1, "a multi-server needs at least one server");
    free_.resize(static_cast<std::size_t>(servers));
  }
  /// Serves a request that arrives at `arrival` for `service`; returns when it is finished.
  Time serve(Time arrival, FineTime service) {
    require(arrival >= last_arrival_, "a request arrived at a server before an earlier one");
    last_arrival_ = arrival;
    const Time free = free_.front().rounded_up();
    const Time start = std::max(arrival, free);
    const FineTime end = (arrival > free ? FineTime(arrival) : free_.front()) + service;
    std::size_t place = 0;
    for (; place + 1 < free_.size() && free_[place + 1] < end; ++place) free_[place] = free_[place + 1];
    free_[place] = end;
    stats.count(start - arrival);
    stats.busy += end.rounded_up() - start;
    return end.rounded_up();
  }
  int servers() const { return static_cast<int>(free_.size()); }
  /// When the first server is free.
  Time next_free() const { return free_.front().rounded_up(); }
  /// When all accepted work is done.
  Time all_free() const { return free_.back().rounded_up(); }

  ServerStats stats;

 private:
  std::vector<FineTime> free_;  // [servers], ascending: when each is free
  Time last_arrival_;
};

}  // namespace sparsesim
