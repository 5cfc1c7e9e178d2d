#include "validate/measure/cpu/fingerprint/team.h"

#include <chrono>

#ifdef SPARSESIM_HAVE_OPENMP
#include <omp.h>
#endif

namespace sparsesim::measure {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
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
