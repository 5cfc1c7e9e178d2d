#pragma once
// SimGrid on the same problems: the same increments and draws, its own clock (a double, here in microseconds).

#include <cstdint>
#include <string>

#include "scripts/benchmarks/network.h"

namespace sparsesim::bench {

/// Processor seconds for `holds` holds after `warm_up` holds, with its timers (callbacks).
double simgrid_timer_hold(const std::string& increments, std::int64_t pending, std::int64_t warm_up,
                          std::int64_t holds);
/// The same with one actor per pending event that sleeps for each increment.
double simgrid_actor_hold(const std::string& increments, std::int64_t pending, std::int64_t warm_up,
                          std::int64_t holds);
struct SimgridNetwork {
  double cpu_seconds = 0;
  NetworkResult result;
};
/// One actor per outstanding request, analytic servers, three sleeps per request.
SimgridNetwork simgrid_network(const NetworkSpec& spec, std::int64_t requests);

}  // namespace sparsesim::bench
