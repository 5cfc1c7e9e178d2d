#include "validate/measure/cuda/check.h"

#include <string_view>

namespace sparsesim::measure {
namespace {

[[noreturn]] void fail(const char* library, const char* text, const std::source_location& place) {
  const std::string_view path = place.file_name();
  const std::string_view file = path.substr(path.rfind('/') + 1);
  throw CudaError(std::string(file) + ":" + std::to_string(place.line()) + ": " + library + ": " + text);
}

}  // namespace

void check(cudaError_t result, std::source_location place) {
  if (result == cudaSuccess) return;
  cudaGetLastError();  // an error that can be cleared must not be found by the next check
  fail("cuda", cudaGetErrorString(result), place);
}

void check(cublasStatus_t result, std::source_location place) {
  if (result != CUBLAS_STATUS_SUCCESS) fail("cublas", cublasLtGetStatusName(result), place);
}

void check(cusparseStatus_t result, std::source_location place) {
  if (result != CUSPARSE_STATUS_SUCCESS) fail("cusparse", cusparseGetErrorString(result), place);
}

}  // namespace sparsesim::measure
