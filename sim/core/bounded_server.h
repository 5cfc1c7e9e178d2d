#pragma once
// A server with room for k requests: the next one waits outside, which is back-pressure.

#include <algorithm>
#include <vector>

#include "sim/core/error.h"
#include "sim/core/fine_time.h"
#include "sim/core/server_stats.h"

namespace sparsesim {

/// A FIFO server whose k places are each held from admission to departure.
///
/// admitted = max(arrival, departure of the k-th predecessor); service starts at max(admitted, next free); departure =
/// end of service + hold. The ring of the last k departures replaces the events of a credit loop. Places are given back
/// in order, so departures must not overtake: with unequal holds a place is held until its predecessor's is free.
/// Errors: SimulationError when k < 1, a hold is negative or arrivals go back in time.
class BoundedServer {
 public:
  explicit BoundedServer(int places) {
    require(places >= 1, "a bounded server needs at least one place");
    departures_.resize(static_cast<std::size_t>(places));
  }
  struct Passage {
    Time admitted;  // the sender may go on
    Time finished;  // end of service
    Time departed;  // the place is free again
  };
  /// `hold`: how long the place stays taken after service, such as the way to the next buffer and back.
  Passage serve(Time arrival, FineTime service, Time hold = {}) {
    require(arrival >= last_arrival_ && hold.ps >= 0,
            "a request arrived at a server before an earlier one, or holds it for a negative time");
    last_arrival_ = arrival;
    const Time admitted = std::max(arrival, departures_[oldest_]);
    const Time free = next_free_.rounded_up();
    const Time start = std::max(admitted, free);
    next_free_ = (admitted > free ? FineTime(admitted) : next_free_) + service;
    const Time finished = next_free_.rounded_up();
    last_departure_ = std::max(last_departure_, finished + hold);
    departures_[oldest_] = last_departure_;
    oldest_ = oldest_ + 1 == departures_.size() ? 0 : oldest_ + 1;
    stats.count(start - arrival);
    stats.busy += finished - start;
    blocked_ += admitted - arrival;
    return {admitted, finished, last_departure_};
  }
  int places() const { return static_cast<int>(departures_.size()); }
  Time next_free() const { return next_free_.rounded_up(); }
  /// Time that requests waited outside for a place, summed; part of stats.waited.
  Time blocked() const { return blocked_; }

  ServerStats stats;

 private:
  std::vector<Time> departures_;  // [places], a ring: departure of the request that last held each place
  std::size_t oldest_ = 0;
  FineTime next_free_;
  Time last_arrival_;
  Time last_departure_;
  Time blocked_;
};

}  // namespace sparsesim
