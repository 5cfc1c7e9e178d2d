#pragma once
// A unit that accepts the next request before the last has come out.

#include "sim/core/fifo_server.h"

namespace sparsesim {

/// A request occupies the input for `occupancy` and comes out `latency` after its occupancy ends; requests overlap in
/// between.
class PipelinedServer {
 public:
  explicit PipelinedServer(Time latency) : latency_(latency) { require(latency.ps >= 0, "a latency is not negative"); }
  /// Returns when the result is out: FIFO end of occupancy + latency.
  Time serve(Time arrival, FineTime occupancy) { return input_.serve(arrival, occupancy) + latency_; }
  /// When the input can take the next request.
  Time next_free() const { return input_.next_free(); }
  Time latency() const { return latency_; }
  ServerStats& stats() { return input_.stats; }

 private:
  FifoServer input_;
  Time latency_;
};

}  // namespace sparsesim
