#pragma once
// What a pattern of attention costs before its kernel can start: block masks built, pages scored and chosen.

#include <vector>

#include "models/ops/attention/attention_kernel.h"

namespace sparsesim {

/// The kernels that make the index of one call, in order; shared ones count in part (`index_calls`).
///
/// A kernel that walks blocks needs their list: every score is asked for its mask, block by block, and the blocks found
/// are put in order. Retrieval scores every page for each block of queries and chooses the best. Windows, documents and
/// pages that follow from positions alone need none.
/// Source: docs/models/attention.md. Errors: UnsupportedError when the library has no such kernel.
std::vector<Launch> lower_attention_index(const AttentionSize& size, const AttentionKernel& kernel,
                                          const Substrate& substrate, const Ideal& ideal);

}  // namespace sparsesim
