#pragma once
// The fingerprint of a GPU: what it charges, as a substrate file.

#include "validate/measure/harness/backend_main.h"

namespace sparsesim::measure {

/// Measures the first GPU and writes the file. A probe that fails is named in it. Errors: NoDevice; std::runtime_error
/// where the file cannot be written.
void fingerprint_device(const FingerprintRequest& request);

/// "NVIDIA H100 80GB HBM3" -> "nvidia-h100-80gb-hbm3".
std::string machine_name(const std::string& device_name);

}  // namespace sparsesim::measure
