#pragma once
// Little's law, counted from both sides.

#include "models/serving/service.h"
#include "sim/core/error.h"

namespace sparsesim {

/// The area under the number of requests in a system over time, to the picosecond.
class SystemArea {
 public:
  void change(Time now, int requests) {
    area_ += Area{(now - counted_).ps} * present_;
    counted_ = now;
    present_ += requests;
  }
  /// The mean number in the system from the first arrival to the last answer. Errors: SimulationError unless all have
  /// left, and the area is the sum of the times that they spent in it.
  double check(const ServiceRun& run) const {
    Area times = 0;
    for (const ServedRequest& request : run.requests) times += request.latency().ps;
    require(present_ == 0, "requests are still in the system");
    require(times == area_, "Little's law does not hold");
    const auto duration = static_cast<double>(run.duration().ps);
    return duration > 0 ? static_cast<double>(area_) / duration : 0;
  }

 private:
  __extension__ using Area = __int128;  // ps, times requests
  Area area_ = 0;
  Time counted_;
  std::int64_t present_ = 0;
};

}  // namespace sparsesim
