#pragma once
// What every server counts; each counter is listed once, in visit().

#include <cstdint>

#include "sim/core/units.h"

namespace sparsesim {

struct ServerStats {
  std::int64_t requests = 0;
  Time busy;
  Time waited;
  Time waited_max;

  /// Calls f(name, value, unit, description) for each counter.
  void visit(auto&& f) {
    f("requests", requests, "count", "requests served");
    f("busy", busy, "ps", "time in service, summed over the servers");
    f("waited", waited, "ps", "time from arrival to start of service, summed over the requests");
    f("waited_max", waited_max, "ps", "longest time from arrival to start of service");
  }
  void count(Time wait) {
    ++requests;
    waited += wait;
    if (wait > waited_max) waited_max = wait;
  }
};

}  // namespace sparsesim
