#pragma once
// The backward pass of attention: gradients of queries, keys and values.

#include <vector>

#include "models/ops/attention/attention_kernel.h"

namespace sparsesim {

/// The kernels of one backward call, in order: row sums of results times their gradients, the loop over tiles of keys
/// (five products: scores again, gradients of probabilities, of values, keys and queries), the sums of the queries'
/// gradients turned to the call's type, and those of the query heads of one key head added up. Kernels with `two_loops`
/// need no sums in memory: a loop over tiles of queries computes the scores once more (four and three products).
///
/// keys  map by tiles of keys; queries  map by tiles of queries, asked where the kernel has two loops
/// Source: Dao, FlashAttention-2, arXiv 2307.08691, algorithm 2; docs/models/attention.md.
std::vector<Launch> lower_attention_backward(const AttentionSize& size, const AttentionKernel& kernel,
                                             const BlockMap& keys, const BlockMap& queries, const Substrate& substrate,
                                             const Ideal& ideal);

}  // namespace sparsesim
