#include "validate/measure/cuda/grouped.h"

#include <cstddef>

namespace sparsesim::measure {
namespace {

const std::byte* bytes(const void* data, std::int64_t elements, std::size_t size) {
  return static_cast<const std::byte*>(data) + static_cast<std::size_t>(elements) * size;
}

}  // namespace

GroupedMatmul::GroupedMatmul(const Device& device, const std::vector<std::int64_t>& rows_of_group, std::int64_t n,
                             std::int64_t k, const ProductType& type, GroupedWay way)
    : device_(device), type_(type), way_(way), n_(n), k_(k) {
  std::int64_t first = 0;
  for (std::size_t group = 0; group < rows_of_group.size(); ++group) {
    const std::int64_t rows = rows_of_group[group];
    if (rows > 0) {
      group_.push_back(static_cast<std::int64_t>(group));
      first_row_.push_back(first);
      rows_array_.push_back(static_cast<int>(rows));
    }
    first += rows;
  }
  const std::size_t groups = group_.size();
  n_array_.assign(groups, static_cast<int>(n));
  k_array_.assign(groups, static_cast<int>(k));
  size_array_.assign(groups, 1);
  transposed_.assign(groups, CUBLAS_OP_T);
  as_stored_.assign(groups, CUBLAS_OP_N);
  one_.assign(groups, 1);
  zero_.assign(groups, 0);
}

void GroupedMatmul::add(const void* x, const void* w, void* out) {
  Call call;
  for (std::size_t i = 0; i < group_.size(); ++i) {
    call.w.push_back(bytes(w, group_[i] * n_ * k_, type_.in_bytes));
    call.x.push_back(bytes(x, first_row_[i] * k_, type_.in_bytes));
    call.out.push_back(const_cast<std::byte*>(bytes(out, first_row_[i] * n_, type_.out_bytes)));
  }
  if (way_ == GroupedWay::grouped) {
    call.device_w = to_device(call.w);
    call.device_x = to_device(call.x);
    call.device_out = to_device(call.out);
  }
  calls_.push_back(std::move(call));
}

void GroupedMatmul::enqueue(int number) const {
  const Call& call = calls_[static_cast<std::size_t>(number)];
  if (way_ == GroupedWay::grouped) return enqueue_grouped(call);
  enqueue_each(call);
}

// As everywhere: the library counts in columns, so out^T = w x^T.
void GroupedMatmul::enqueue_grouped(const Call& call) const {
  check(cublasGemmGroupedBatchedEx(
      device_.blas, transposed_.data(), as_stored_.data(), n_array_.data(), rows_array_.data(), k_array_.data(),
      one_.data(), call.device_w.as<const void*>(), type_.in_cuda, k_array_.data(), call.device_x.as<const void*>(),
      type_.in_cuda, k_array_.data(), zero_.data(), call.device_out.as<void*>(), type_.out_cuda, n_array_.data(),
      static_cast<int>(group_.size()), size_array_.data(), type_.compute));
}

void GroupedMatmul::enqueue_each(const Call& call) const {
  const int n = static_cast<int>(n_), k = static_cast<int>(k_);
  for (std::size_t i = 0; i < group_.size(); ++i)
    check(cublasGemmEx(device_.blas, CUBLAS_OP_T, CUBLAS_OP_N, n, rows_array_[i], k, &one_[i], call.w[i], type_.in_cuda,
                       k, call.x[i], type_.in_cuda, k, &zero_[i], call.out[i], type_.out_cuda, n, type_.compute,
                       CUBLAS_GEMM_DEFAULT));
}

}  // namespace sparsesim::measure
