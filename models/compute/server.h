#pragma once
// A resource that serves one request after the other.

#include <algorithm>

namespace sparsesim {

/// First-in-first-out server in continuous time (picoseconds): remembers when it is next free, so a request costs no
/// event. Requests must come in order of time.
struct Server {
  double free_ps = 0;
  double busy_ps = 0;

  /// Takes a request at `now_ps`; returns when its service starts. It ends `work_ps` later.
  double serve(double now_ps, double work_ps) {
    const double start = std::max(now_ps, free_ps);
    free_ps = start + work_ps;
    busy_ps += work_ps;
    return start;
  }
};

}  // namespace sparsesim
