#ifdef SPARSESIM_HAVE_OPENBLAS
#include <cblas.h>
#include <openblas_config.h>

#include <cstring>

#include "validate/measure/cpu/kernels/dense_libraries.h"

namespace sparsesim::measure {

namespace {

blasint size_of(std::int64_t size) { return static_cast<blasint>(size); }

class OpenBlas : public DenseKernel {
 public:
  OpenBlas(const DenseShape& shape, int threads) : shape_(shape), threads_(threads) {
    openblas_set_num_threads(threads);
  }
  std::string kernel() const override { return "library:openblas"; }
  std::string implementation() const override { return openblas_get_corename(); }

  std::size_t prepared_bytes() const override {
    if (shape_.fixed == Fixed::none) return 0;
    return static_cast<std::size_t>(shape_.fixed == Fixed::left ? shape_.m * shape_.lda : shape_.k * shape_.ldb) * 4;
  }
  void prepare(const void* operand, void* prepared) override { std::memcpy(prepared, operand, prepared_bytes()); }

  void run(const void* left, const void* right, void* result) override {
    const auto* a = static_cast<const float*>(left);
    const auto* b = static_cast<const float*>(right);
    auto* c = static_cast<float*>(result);
    const blasint m = size_of(shape_.m), n = size_of(shape_.n), k = size_of(shape_.k);
    const blasint lda = size_of(shape_.lda), ldb = size_of(shape_.ldb), ldc = size_of(shape_.ldc);
    if (n == 1) {
      cblas_sgemv(CblasRowMajor, CblasNoTrans, m, k, 1.0f, a, lda, b, ldb, 0.0f, c, ldc);
    } else if (m == 1) {
      cblas_sgemv(CblasRowMajor, CblasTrans, k, n, 1.0f, b, ldb, a, 1, 0.0f, c, 1);
    } else {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1.0f, a, lda, b, ldb, 0.0f, c, ldc);
    }
  }

  std::unique_ptr<DenseKernel> resized(std::int64_t size) const override {
    DenseShape shape = shape_;
    (shape.fixed == Fixed::left ? shape.n : shape.m) = size;
    return std::make_unique<OpenBlas>(shape, threads_);
  }

 private:
  DenseShape shape_;
  int threads_;
};

}  // namespace

std::unique_ptr<DenseKernel> make_openblas(const DenseShape& shape, const CpuContext& context) {
  if (shape.type != DenseType::fp32) throw NotHere("OpenBLAS is asked for fp32 only");
  return std::make_unique<OpenBlas>(shape, context.threads);
}

}  // namespace sparsesim::measure
#endif
