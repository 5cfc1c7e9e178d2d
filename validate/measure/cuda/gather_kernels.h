#pragma once
// Embedding bags: sums of table rows, by gathering them or by one pass over the table.

#include <cuda_runtime_api.h>

#include <cstdint>

#include "validate/measure/cuda/element_type.h"

namespace sparsesim::measure {

/// Rows of the table that bags name: `pooling` for each bag, one bag after the other.
struct BagCall {
  std::int64_t bags = 0, pooling = 0, rows = 0, dim = 0;  // dim: a multiple of 16 bytes
  Type type = Type::fp16;                                 // fp32, fp16 or bf16
  const void* table = nullptr;                            // [rows, dim]
  const void* indices = nullptr;                          // [bags, pooling], 32 or 64 bits
  int index_bytes = 8;
  void* out = nullptr;                      // [bags, dim], of the table's type for gathers, fp32 for scans
  const std::int64_t* row_begin = nullptr;  // scans: [rows + 1] places in bag_of
  const std::int32_t* bag_of = nullptr;     // scans: [bags * pooling] bags that name each row
};

/// out[b] = sum of the bag's rows, summed in fp32.
cudaError_t gather_bags(const BagCall& call, cudaStream_t stream);
/// The same by reading every row once and adding it to the bags that name it. `out` holds zeros before.
cudaError_t scan_table(const BagCall& call, cudaStream_t stream);
/// Raises *worst over `samples` elements of out against double precision: |got - wanted| over
/// rounding * |wanted| + accumulation * (sum of sizes).
cudaError_t compare_bags(const BagCall& call, Type out_type, std::int64_t samples, std::uint64_t seed, double rounding,
                         double accumulation, float* worst, cudaStream_t stream);

}  // namespace sparsesim::measure
