#pragma once
// Makers of the libraries that a build has; leading dimensions are filled in.

#include "validate/measure/cpu/kernels/dense.h"
#include "validate/measure/harness/backend.h"

namespace sparsesim::measure {

std::unique_ptr<DenseKernel> make_onednn(const DenseShape& shape, const CpuContext& context);
std::unique_ptr<DenseKernel> make_openblas(const DenseShape& shape, const CpuContext& context);

/// Whether the processor has dot products of four int8 (AVX-512 VNNI).
bool has_vnni();

}  // namespace sparsesim::measure
