#pragma once
// The fingerprint of a processor.

#include <string>

#include "validate/measure/harness/backend_main.h"

namespace sparsesim::measure {

/// Times the granules of the processor and writes them to request.out as a substrate file (docs/fingerprint.md).
/// Takes about two minutes, with request.quick about ten seconds.
/// Errors: std::runtime_error where the file cannot be written; NotHere without AVX2.
void cpu_fingerprint(const FingerprintRequest& request);

}  // namespace sparsesim::measure
