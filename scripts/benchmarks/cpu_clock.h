#pragma once
// Processor time of this thread: on a shared machine the wall clock also measures the neighbours.

#include <ctime>

namespace sparsesim::bench {

inline double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace sparsesim::bench
