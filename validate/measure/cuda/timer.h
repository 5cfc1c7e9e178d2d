#pragma once
// Time of what is enqueued on a stream, by events.

#include <cuda_runtime_api.h>

namespace sparsesim::measure {

class StreamTimer {
 public:
  explicit StreamTimer(cudaStream_t stream);
  ~StreamTimer();
  StreamTimer(const StreamTimer&) = delete;
  StreamTimer& operator=(const StreamTimer&) = delete;

  /// Seconds from the first to the last command that `enqueue` issues. The stream is kept busy meanwhile, so that the
  /// device does not wait for the host. Errors: CudaError.
  template <class Enqueue>
  double seconds(Enqueue&& enqueue) const {
    begin();
    enqueue();
    return end();
  }
  void begin() const;
  double end() const;

 private:
  cudaStream_t stream_;
  cudaEvent_t start_ = nullptr, stop_ = nullptr;
};

}  // namespace sparsesim::measure
