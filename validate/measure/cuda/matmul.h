#pragma once
// Dense products by cuBLASLt: out [m, n] = x [m, k] w^T, w stored [n, k], all row-major.

#include <cublasLt.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "validate/measure/cuda/device.h"
#include "validate/measure/cuda/types.h"

namespace sparsesim::measure {

struct ProductSize {
  std::int64_t m = 0, n = 0, k = 0;
};

/// Operands of one call: x [m, k], w [n, k], out [m, n].
struct ProductOperands {
  const void *x = nullptr, *w = nullptr;
  void* out = nullptr;
};

/// One product whose algorithm is chosen by time.
class Matmul {
 public:
  /// Asks the library's heuristic for algorithms. Errors: NotHere when it has none for these sizes and this type.
  Matmul(const Device& device, const ProductSize& size, const ProductType& type);
  /// Keeps the fastest of the algorithms, timed on these copies of the operands in turn. Errors: NotHere when none
  /// runs.
  void choose(const std::vector<ProductOperands>& copies);
  /// Enqueues one call. Errors: CudaError.
  void enqueue(const ProductOperands& operands) const;

 private:
  template <class Handle, cublasStatus_t (*destroy)(Handle)>
  struct Destroy {
    using pointer = Handle;
    void operator()(Handle handle) const { destroy(handle); }
  };
  using Layout = std::unique_ptr<void, Destroy<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>>;
  using Description = std::unique_ptr<void, Destroy<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>>;

  Layout layout(cudaDataType_t type, std::int64_t rows, std::int64_t columns) const;
  cublasStatus_t run(const cublasLtMatmulAlgo_t& algorithm, const ProductOperands& operands) const;

  const Device& device_;
  ProductType type_;
  Description description_;
  Layout w_, x_, out_;
  std::vector<cublasLtMatmulAlgo_t> algorithms_;  // the first is used
};

}  // namespace sparsesim::measure
