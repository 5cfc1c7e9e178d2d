#pragma once
// Products of groups of rows, each with weights of its own.

#include <cstdint>
#include <vector>

#include "validate/measure/cuda/device.h"
#include "validate/measure/cuda/types.h"

namespace sparsesim::measure {

/// How groups are multiplied: by cuBLAS in one call, or by one call for each group.
enum class GroupedWay { grouped, per_expert };

/// out[rows of group g] = x[rows of group g] w[g]^T: x [rows, k] sorted by group, w [groups, n, k], out [rows, n].
class GroupedMatmul {
 public:
  GroupedMatmul(const Device& device, const std::vector<std::int64_t>& rows_of_group, std::int64_t n, std::int64_t k,
                const ProductType& type, GroupedWay way);
  /// Makes the product of these operands known under the next number, from 0.
  void add(const void* x, const void* w, void* out);
  /// Enqueues the product of that number. Errors: CudaError.
  void enqueue(int number) const;

 private:
  /// Operands of one call: groups without rows are left out.
  struct Call {
    std::vector<const void*> w, x;
    std::vector<void*> out;
    DeviceMemory device_w, device_x, device_out;
  };
  void enqueue_grouped(const Call& call) const;
  void enqueue_each(const Call& call) const;

  const Device& device_;
  ProductType type_;
  GroupedWay way_;
  std::int64_t n_, k_;
  std::vector<std::int64_t> group_, first_row_;  // of groups with rows
  std::vector<int> n_array_, rows_array_, k_array_, size_array_;
  std::vector<cublasOperation_t> transposed_, as_stored_;
  std::vector<float> one_, zero_;
  std::vector<Call> calls_;
};

}  // namespace sparsesim::measure
