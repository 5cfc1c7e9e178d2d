#pragma once
// Sparse products column by column: a task reads its own rows of activations once and adds into the results they touch.

#include "models/ops/weights/spmm.h"

namespace sparsesim {

/// The launch of a kernel whose tasks own `tile_n` columns of units (inputs) and `tile_m` columns of the dense side:
/// CSC weights, and CSR ones in the product by their transpose (docs/models/spmm.md).
///
/// Every stored unit adds block_n rows of tile_m sums in L2, by atomics. Results are cleared before and left in the
/// type of the sums; what of them L2 cannot hold goes to DRAM and back with each addition.
/// Errors: UnsupportedError when the device has no rate for the type; TooLargeError beyond kTasksMost tasks.
Launch lower_spmm_scatter(const SpmmSize& size, const Kernel& kernel, const LowerContext& context);

}  // namespace sparsesim
