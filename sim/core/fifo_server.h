#pragma once
// One server, first come first served, solved when the request arrives: no event for the start, none for the end.

#include <algorithm>

#include "sim/core/error.h"
#include "sim/core/fine_time.h"
#include "sim/core/server_stats.h"

namespace sparsesim {

/// Serves requests in order of arrival; remembers only when it is next free.
///
/// Exact when service is not pre-empted, in order of arrival, and its length is known at arrival. Within a busy period
/// (no idle instant between two requests) service times add up with their fractions, and only what is reported is
/// rounded up: n requests of s ps that keep it busy from time 0 end at ceil(n * s). A request that arrives at the
/// rounded end of the one before continues its busy period, so a closed loop does not lose the fraction either. Errors:
/// SimulationError when arrivals go back in time.
class FifoServer {
 public:
  /// Serves a request that arrives at `arrival` for `service`; returns when it is finished.
  Time serve(Time arrival, FineTime service) {
    require(arrival >= last_arrival_, "a request arrived at a server before an earlier one");
    last_arrival_ = arrival;
    const Time free = next_free_.rounded_up();
    const Time start = std::max(arrival, free);
    next_free_ = (arrival > free ? FineTime(arrival) : next_free_) + service;
    const Time finish = next_free_.rounded_up();
    stats.count(start - arrival);
    stats.busy += finish - start;
    return finish;
  }
  /// When a request that arrives at `arrival` would start.
  Time start_time(Time arrival) const { return std::max(arrival, next_free_.rounded_up()); }
  /// When all accepted work is done.
  Time next_free() const { return next_free_.rounded_up(); }

  ServerStats stats;

 private:
  FineTime next_free_;
  Time last_arrival_;
};

}  // namespace sparsesim
