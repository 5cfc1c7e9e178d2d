#include "validate/measure/cpu/fingerprint/team.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <vector>

#ifdef SPARSESIM_HAVE_OPENMP
#include <omp.h>
#endif

namespace sparsesim::measure {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double busy_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double Team::busy(const std::function<void(int)>& work) const {
  std::vector<double> seconds(static_cast<std::size_t>(size_));
  run([&](int thread) { seconds[static_cast<std::size_t>(thread)] = busy_time([&] { work(thread); }); });
  return *std::max_element(seconds.begin(), seconds.end());
}

double Team::run(const std::function<void(int)>& work) const {
  double start = seconds_now();
#ifdef SPARSESIM_HAVE_OPENMP
#pragma omp parallel num_threads(size_)
  {
#pragma omp barrier
    if (omp_get_thread_num() == 0) start = seconds_now();
    work(omp_get_thread_num());
  }
#else
  work(0);
#endif
  return seconds_now() - start;
}

}  // namespace sparsesim::measure
