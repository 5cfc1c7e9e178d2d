#pragma once
// Collects what the comparison kernels find.

#include "validate/measure/cuda/device.h"

namespace sparsesim::measure {

/// The largest error over its tolerance, on the device.
class Worst {
 public:
  explicit Worst(const Device& device) : device_(device), value_(sizeof(float)) {
    check(cudaMemsetAsync(value_.data(), 0, sizeof(float), device.stream));
  }
  float* device_value() const { return value_.as<float>(); }
  double value() const {
    device_.synchronize();
    return to_host<float>(value_.data(), 1).front();
  }

 private:
  const Device& device_;
  DeviceMemory value_;
};

}  // namespace sparsesim::measure
