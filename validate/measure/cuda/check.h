#pragma once
// Every return code of CUDA and its libraries is looked at, where it is returned.

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <cusparse.h>

#include <source_location>
#include <stdexcept>
#include <string>

namespace sparsesim::measure {

/// A call of CUDA or of one of its libraries failed; the text says which, where and why.
struct CudaError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throw CudaError unless the call succeeded. The place is the caller's.
void check(cudaError_t result, std::source_location place = std::source_location::current());
void check(cublasStatus_t result, std::source_location place = std::source_location::current());
void check(cusparseStatus_t result, std::source_location place = std::source_location::current());

}  // namespace sparsesim::measure
