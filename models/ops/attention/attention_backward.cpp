#include "models/ops/attention/attention_backward.h"

#include "models/ops/attention/index_passes.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm_kernels.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

constexpr double kSumBytes = 4;  // sums of gradients and of rows are FP32

std::int64_t query_elements(const AttentionSize& size) {
  return size.batch * size.queries * size.heads * size.head_dim;
}

// Sum over each row of results times their gradients; sums that other tasks add to are cleared on the way.
Launch row_sums_pass(const AttentionSize& size, bool clears, const Substrate& substrate) {
  const double bytes = element_bytes(size.dtype);
  return lower_elementwise({.name = "attention backward rows",
                            .elements = query_elements(size),
                            .dtype = size.dtype,
                            .reads = 2,
                            .writes = kSumBytes / bytes * (1 / static_cast<double>(size.head_dim) + (clears ? 1 : 0)),
                            .flops_per_element = 2},
                           substrate);
}

// Sums of the queries' gradients become elements of the call's type.
Launch convert_pass(const AttentionSize& size, const Substrate& substrate) {
  return lower_elementwise({.name = "attention backward convert",
                            .elements = query_elements(size),
                            .dtype = size.dtype,
                            .reads = kSumBytes / element_bytes(size.dtype),
                            .writes = 1,
                            .flops_per_element = 1},
                           substrate);
}

// Each query head has written its own gradients of keys and values.
Launch group_pass(const AttentionSize& size, const Substrate& substrate) {
  const double group = static_cast<double>(size.heads / size.kv_heads);
  return lower_elementwise(
      {.name = "attention backward groups",
       .elements = pass_elements(2.0 * real(size.batch) * real(size.keys) * real(size.kv_heads * size.head_dim)),
       .dtype = size.dtype,
       .reads = group,
       .writes = 1,
       .flops_per_element = group},
      substrate);
}

}  // namespace

std::vector<Launch> lower_attention_backward(const AttentionSize& size, const AttentionKernel& kernel,
                                             const BlockMap& keys, const BlockMap& queries, const Substrate& substrate,
                                             const Ideal& ideal) {
  // Sums in memory are fetched and written back once; every block adds its part in the shared cache.
  const double sum_vectors = kernel.two_loops ? 0 : kSumBytes / element_bytes(size.dtype);
  const TileLoop by_keys{.name = "attention backward",
                         .products = kernel.two_loops ? 4.0 : 5.0,
                         .block_vectors = 2,                 // queries and gradients of the results
                         .row_vectors = 2 + sum_vectors,     // keys and values
                         .result_vectors = 2 + sum_vectors,  // their gradients
                         .added_bytes = kernel.two_loops ? 0 : kSumBytes,
                         .by_keys = true};
  const TileLoop by_queries{.name = "attention backward queries",
                            .products = 3,
                            .block_vectors = 2,   // keys and values
                            .row_vectors = 2,     // queries and gradients of the results
                            .result_vectors = 1,  // gradients of the queries
                            .added_bytes = 0,
                            .by_keys = false};
  std::vector<Launch> launches;
  launches.push_back(row_sums_pass(size, !kernel.two_loops, substrate));
  launches.push_back(lower_attention_kernel(size, kernel, keys, 1, substrate, ideal, by_keys));
  launches.push_back(kernel.two_loops ? lower_attention_kernel(size, kernel, queries, 1, substrate, ideal, by_queries)
                                      : convert_pass(size, substrate));
  if (size.heads > size.kv_heads) launches.push_back(group_pass(size, substrate));
  return launches;
}

}  // namespace sparsesim
