#include "validate/measure/cuda/launch.cuh"
#include "validate/measure/cuda/weight_kernels.h"

namespace sparsesim::measure {
namespace {

template <class Word>
__global__ void gather_blocks_kernel(StoredBlocks blocks, const Word* dense, Word* values, Word* masked) {
  const std::int64_t elements = blocks.block_rows * blocks.block_columns;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t e = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; e < blocks.stored * elements;
       e += step) {
    const std::int64_t block = e / elements, inside = e % elements;
    const std::int64_t row = blocks.row[block] * blocks.block_rows + inside / blocks.block_columns;
    const std::int64_t column = blocks.column[block] * blocks.block_columns + inside % blocks.block_columns;
    const Word value = dense[row * blocks.columns + column];
    values[e] = value;
    masked[row * blocks.columns + column] = value;
  }
}

template <class Word>
__global__ void zero_pairs_kernel(Word* weights, std::int64_t groups, std::uint64_t seed) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t g = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; g < groups; g += step) {
    const unsigned kept = kept_pair(seed, static_cast<std::uint64_t>(g));
    for (int i = 0; i < 4; ++i)
      if ((kept >> i & 1u) == 0) weights[4 * g + i] = 0;
  }
}

template <class Word>
cudaError_t gather_words(const StoredBlocks& blocks, const void* dense, void* values, void* masked,
                         cudaStream_t stream) {
  gather_blocks_kernel<<<ctas_for(blocks.stored * blocks.block_rows * blocks.block_columns, kThreads, kMostCtas),
                         kThreads, 0, stream>>>(blocks, static_cast<const Word*>(dense), static_cast<Word*>(values),
                                                static_cast<Word*>(masked));
  return cudaGetLastError();
}

template <class Word>
cudaError_t zero_words(void* weights, std::int64_t count, std::uint64_t seed, cudaStream_t stream) {
  zero_pairs_kernel<<<ctas_for(count / 4, kThreads, kMostCtas), kThreads, 0, stream>>>(static_cast<Word*>(weights),
                                                                                       count / 4, seed);
  return cudaGetLastError();
}

}  // namespace

// Zero is all bits zero in every type, so words of the element's size will do.
cudaError_t gather_blocks(const StoredBlocks& blocks, const void* dense, void* values, void* masked, Type type,
                          cudaStream_t stream) {
  if (bytes_of(type) == 1) return gather_words<std::uint8_t>(blocks, dense, values, masked, stream);
  if (bytes_of(type) == 2) return gather_words<std::uint16_t>(blocks, dense, values, masked, stream);
  return gather_words<std::uint32_t>(blocks, dense, values, masked, stream);
}

cudaError_t zero_pairs(void* weights, Type type, std::int64_t count, std::uint64_t seed, cudaStream_t stream) {
  if (bytes_of(type) == 1) return zero_words<std::uint8_t>(weights, count, seed, stream);
  if (bytes_of(type) == 2) return zero_words<std::uint16_t>(weights, count, seed, stream);
  return zero_words<std::uint32_t>(weights, count, seed, stream);
}

}  // namespace sparsesim::measure
