#pragma once
// The GPU as the measurements use it: one stream, library handles, memory that frees itself.

#include <cublasLt.h>
#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cusparse.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "validate/measure/cuda/check.h"
#include "validate/measure/harness/backend.h"

namespace sparsesim::measure {

/// There is no GPU, or no driver for it: one line for people.
struct NoDevice : NotHere {
  using NotHere::NotHere;
};

/// Bytes on the device.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  /// Errors: CudaError when there is not enough.
  explicit DeviceMemory(std::size_t bytes);
  std::byte* data() const { return data_.get(); }
  std::size_t bytes() const { return bytes_; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data_.get());
  }

 private:
  struct Free {
    void operator()(std::byte* data) const { cudaFree(data); }
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t bytes_ = 0;
};

/// Copies bytes to the device and waits until they are there: kernels of other streams do not wait for them.
void copy_to_device(void* to, const void* from, std::size_t bytes);

/// Copies values to the device.
template <class T>
DeviceMemory to_device(const std::vector<T>& values) {
  DeviceMemory memory(values.size() * sizeof(T));
  copy_to_device(memory.data(), values.data(), values.size() * sizeof(T));
  return memory;
}

/// Copies values from the device.
template <class T>
std::vector<T> to_host(const void* device, std::size_t count) {
  std::vector<T> values(count);
  check(cudaMemcpy(values.data(), device, count * sizeof(T), cudaMemcpyDeviceToHost));
  return values;
}

/// One GPU of this machine, opened.
class Device {
 public:
  /// Errors: NoDevice.
  explicit Device(int index = 0);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  int index() const { return index_; }
  const cudaDeviceProp& properties() const { return properties_; }
  int units() const { return properties_.multiProcessorCount; }
  int capability() const { return properties_.major * 10 + properties_.minor; }
  std::size_t last_cache_bytes() const { return static_cast<std::size_t>(properties_.l2CacheSize); }
  int attribute(cudaDeviceAttr attribute) const;
  /// Bytes that may be taken now.
  std::size_t free_bytes() const;
  void synchronize() const;

  cudaStream_t stream = nullptr;
  cublasLtHandle_t lt = nullptr;
  cublasHandle_t blas = nullptr;
  cusparseHandle_t sparse = nullptr;
  DeviceMemory workspace;  // of the libraries, for calls on `stream`

 private:
  int index_ = 0;
  cudaDeviceProp properties_{};
};

/// How many GPUs there are. Errors: NoDevice when there is none.
int device_count();

/// Versions of driver, runtime and libraries: "driver 13.0, runtime 13.0, cublas 13.0.2, ...".
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace sparsesim::measure
