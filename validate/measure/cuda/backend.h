#pragma once
// The GPU as a measuring backend.

#include <memory>
#include <string>

#include "validate/measure/cuda/device.h"
#include "validate/measure/harness/backend.h"

namespace sparsesim::measure {

class CudaBackend : public Backend {
 public:
  /// Opens the first GPU. Errors: NoDevice.
  CudaBackend() = default;
  std::string name() const override { return "cuda"; }
  std::string provenance() const override;
  std::string problem_key(const PlanRow& row) const override;
  std::unique_ptr<Problem> prepare(const PlanRow& row, std::uint64_t seed) override;

 private:
  Device device_;
};

/// The key of a row's problem; needs no device. Errors: NotHere.
std::string key_of(const PlanRow& row);

/// The families and their kernels, one line each.
std::string list_kernels();

/// "boost 1980 MHz, not locked".
std::string clock_state(const Device& device);

}  // namespace sparsesim::measure
