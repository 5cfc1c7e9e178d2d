#include "validate/measure/cuda/timer.h"

#include "validate/measure/cuda/check.h"
#include "validate/measure/cuda/operand_kernels.h"

namespace sparsesim::measure {
namespace {

constexpr std::int64_t kLeadNanoseconds = 100'000;  // the host needs less to enqueue a graph behind it

}  // namespace

StreamTimer::StreamTimer(cudaStream_t stream) : stream_(stream) {
  check(cudaEventCreate(&start_));
  check(cudaEventCreate(&stop_));
}

StreamTimer::~StreamTimer() {
  if (start_) cudaEventDestroy(start_);
  if (stop_) cudaEventDestroy(stop_);
}

void StreamTimer::begin() const {
  check(wait_on_stream(kLeadNanoseconds, stream_));
  check(cudaEventRecord(start_, stream_));
}

double StreamTimer::end() const {
  float milliseconds = 0;
  check(cudaEventRecord(stop_, stream_));
  check(cudaEventSynchronize(stop_));
  check(cudaEventElapsedTime(&milliseconds, start_, stop_));
  return milliseconds * 1e-3;
}

}  // namespace sparsesim::measure
