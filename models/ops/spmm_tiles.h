#pragma once
// Sparse products tile by tile: compressed weights, multiplied as dense tiles or by the N:M instructions.

#include <optional>

#include "models/ops/spmm.h"

namespace sparsesim {

/// The launch of the library's best tiled kernel for the pattern: 2:4 and V:N:M on the sparse matrix instructions,
/// unstructured weights that are loaded compressed and multiplied as dense tiles (docs/models/spmm.md). Nothing if the
/// library has none.
std::optional<Launch> lower_spmm_tiles(const SpmmSize& size, const LowerContext& context);

/// Zeros of N:M weights: what compression saves of their bytes, and the sparse instructions of their multiply-adds.
SparsitySummary n_of_m_summary(const SpmmSize& size, const Substrate& substrate);

}  // namespace sparsesim
