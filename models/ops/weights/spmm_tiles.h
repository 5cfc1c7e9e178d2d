#pragma once
// Sparse products tile by tile: compressed weights, multiplied as dense tiles or by the N:M instructions.

#include <string>
#include <vector>

#include "models/ops/weights/spmm.h"

namespace sparsesim {

/// The launches of the library's best tiled kernels, one per way through the weights (docs/models/spmm.md): 2:4, V:N:M
/// and other N:M weights on the sparse matrix instructions; N:M and unstructured ones that are loaded compressed and
/// multiplied as dense tiles. Empty if the library has none; `reason` then says why, where there is more to say.
/// Errors: TooLargeError beyond kTasksMost tiles.
std::vector<Launch> lower_spmm_tiles(const SpmmSize& size, const LowerContext& context, std::string& reason);

/// Zeros of N:M weights: what compression saves of their bytes, and the sparse instructions of their multiply-adds.
SparsitySummary n_of_m_summary(const SpmmSize& size, const Substrate& substrate);

}  // namespace sparsesim
