#pragma once
// Kernels that store weights in the formats of the measured ones.

#include <cuda_runtime_api.h>

#include <cstdint>

#include "validate/measure/cuda/element_type.h"
#include "validate/measure/cuda/host_device.h"

namespace sparsesim::measure {

/// The two of four neighbours that are kept, as bits: one of the six pairs.
constexpr unsigned kept_pair(std::uint64_t seed, std::uint64_t group) {
  constexpr unsigned kPairs[6] = {0b0011, 0b0101, 0b0110, 0b1001, 0b1010, 0b1100};
  return kPairs[random_below(seed, group, 6)];
}

/// Stored blocks of a matrix of rows of `columns` elements.
struct StoredBlocks {
  std::int64_t stored = 0, columns = 0, block_rows = 1, block_columns = 1;
  const std::int32_t* row = nullptr;     // [stored] block row
  const std::int32_t* column = nullptr;  // [stored] block column
};

/// values[b][i][j] = dense[row(b) * block_rows + i][column(b) * block_columns + j], and the same into `masked`, whose
/// other elements the caller has set to zero.
cudaError_t gather_blocks(const StoredBlocks& blocks, const void* dense, void* values, void* masked, Type type,
                          cudaStream_t stream);

/// Sets two of each four neighbours in memory to zero: 2:4 weights. `count` is a multiple of 4.
cudaError_t zero_pairs(void* weights, Type type, std::int64_t count, std::uint64_t seed, cudaStream_t stream);

}  // namespace sparsesim::measure
