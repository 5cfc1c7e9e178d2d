#pragma once
// The dense products that sparse ones are compared with.

#include <cstdint>
#include <memory>

#include "validate/measure/cuda/graph_runner.h"
#include "validate/measure/cuda/matmul.h"

namespace sparsesim::measure {

/// cuBLASLt's product with weights of its own. Errors: NotHere, CudaError.
std::unique_ptr<Runner> make_dense_runner(const Device& device, const ProductSize& size, const ProductType& type,
                                          std::uint64_t seed);

}  // namespace sparsesim::measure
