#include "validate/measure/cuda/matmul.h"

#include <algorithm>
#include <array>
#include <limits>

#include "validate/measure/cuda/timer.h"

namespace sparsesim::measure {
namespace {

constexpr int kAlgorithmsMost = 12;

template <class Value>
void set(cublasLtMatmulDesc_t description, cublasLtMatmulDescAttributes_t attribute, Value value) {
  check(cublasLtMatmulDescSetAttribute(description, attribute, &value, sizeof value));
}

/// One and zero in the type that the library scales by.
struct Scales {
  float one = 1, zero = 0;
  std::int32_t whole_one = 1, whole_zero = 0;
  const void* alpha(cudaDataType_t type) const {
    return type == CUDA_R_32I ? static_cast<const void*>(&whole_one) : &one;
  }
  const void* beta(cudaDataType_t type) const {
    return type == CUDA_R_32I ? static_cast<const void*>(&whole_zero) : &zero;
  }
};

}  // namespace

Matmul::Layout Matmul::layout(cudaDataType_t type, std::int64_t rows, std::int64_t columns) const {
  cublasLtMatrixLayout_t layout = nullptr;
  check(cublasLtMatrixLayoutCreate(&layout, type, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns),
                                   rows));
  return Layout(layout);
}

// The library counts in columns: a row-major [r, c] matrix is its column-major c x r. So out^T = w x^T.
Matmul::Matmul(const Device& device, const ProductSize& size, const ProductType& type) : device_(device), type_(type) {
  cublasLtMatmulDesc_t description = nullptr;
  check(cublasLtMatmulDescCreate(&description, type.compute, type.scale_cuda));
  description_.reset(description);
  set(description, CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  set(description, CUBLASLT_MATMUL_DESC_TRANSB, CUBLAS_OP_N);
  if (type.in == Type::fp8) set(description, CUBLASLT_MATMUL_DESC_FAST_ACCUM, std::int8_t{1});
  w_ = layout(type.in_cuda, size.k, size.n);
  x_ = layout(type.in_cuda, size.k, size.m);
  out_ = layout(type.out_cuda, size.n, size.m);

  cublasLtMatmulPreference_t preference = nullptr;
  check(cublasLtMatmulPreferenceCreate(&preference));
  const std::size_t workspace = device.workspace.bytes();
  std::array<cublasLtMatmulHeuristicResult_t, kAlgorithmsMost> results{};
  int found = 0;
  cublasStatus_t status = cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                               &workspace, sizeof workspace);
  // Parts of a sum are added in fp32, not in the operands' type.
  const std::uint32_t reduction = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
  if (status == CUBLAS_STATUS_SUCCESS)
    status = cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &reduction,
                                                  sizeof reduction);
  if (status == CUBLAS_STATUS_SUCCESS)
    status = cublasLtMatmulAlgoGetHeuristic(device.lt, description, w_.get(), x_.get(), out_.get(), out_.get(),
                                            preference, kAlgorithmsMost, results.data(), &found);
  cublasLtMatmulPreferenceDestroy(preference);
  for (int i = 0; i < found; ++i)
    if (results[static_cast<std::size_t>(i)].state == CUBLAS_STATUS_SUCCESS)
      algorithms_.push_back(results[static_cast<std::size_t>(i)].algo);
  if (algorithms_.empty()) throw NotHere(std::string("cuBLASLt has no algorithm: ") + cublasLtGetStatusName(status));
}

cublasStatus_t Matmul::run(const cublasLtMatmulAlgo_t& algorithm, const ProductOperands& operands) const {
  const Scales scales;
  return cublasLtMatmul(device_.lt, description_.get(), scales.alpha(type_.scale_cuda), operands.w, w_.get(),
                        operands.x, x_.get(), scales.beta(type_.scale_cuda), operands.out, out_.get(), operands.out,
                        out_.get(), &algorithm, device_.workspace.data(), device_.workspace.bytes(), device_.stream);
}

void Matmul::choose(const std::vector<ProductOperands>& copies) {
  constexpr int kCalls = 4;
  std::size_t best = 0, next = 0;
  double best_seconds = std::numeric_limits<double>::infinity();
  const StreamTimer timer(device_.stream);
  const auto call = [&](const cublasLtMatmulAlgo_t& algorithm) {
    return run(algorithm, copies[next++ % copies.size()]);
  };
  for (std::size_t i = 0; i < algorithms_.size(); ++i) {
    if (call(algorithms_[i]) != CUBLAS_STATUS_SUCCESS) continue;  // refused after all: not a candidate
    const double seconds = timer.seconds([&] {
      for (int done = 0; done < kCalls; ++done) check(call(algorithms_[i]));
    });
    if (seconds < best_seconds) {
      best_seconds = seconds;
      best = i;
    }
  }
  if (best_seconds == std::numeric_limits<double>::infinity())
    throw NotHere("cuBLASLt refuses every algorithm that it proposes");
  algorithms_ = {algorithms_[best]};
}

void Matmul::enqueue(const ProductOperands& operands) const { check(run(algorithms_.front(), operands)); }

}  // namespace sparsesim::measure
