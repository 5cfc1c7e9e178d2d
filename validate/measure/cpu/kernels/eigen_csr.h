#pragma once
// Eigen's sparse times dense, compiled once per instruction set as a user's -march=native would.

#include <cstdint>

#include "validate/measure/cpu/kernels/sparse.h"

namespace sparsesim::measure {

/// results [rows, m] = weights (blocks of 1 x 1) * activations [columns, m], by as many threads as OpenMP would take.
using EigenCsr = void (*)(const BlockMatrix& weights, const float* activations, float* results, std::int64_t m);

void eigen_csr_generic(const BlockMatrix& weights, const float* activations, float* results, std::int64_t m);
void eigen_csr_avx2(const BlockMatrix& weights, const float* activations, float* results, std::int64_t m);
void eigen_csr_avx512(const BlockMatrix& weights, const float* activations, float* results, std::int64_t m);

/// The widest that the processor has.
EigenCsr eigen_csr(const CpuContext& context);

}  // namespace sparsesim::measure
