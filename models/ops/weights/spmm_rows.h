#pragma once
// Sparse products row by row: a task walks the stored units of some rows and gathers the activations they name.

#include "models/ops/weights/spmm.h"

namespace sparsesim {

/// The launch of a kernel whose tasks own `tile_n` rows of weights and `tile_m` columns of the dense side
/// (docs/models/spmm.md). tile_k is the number of operand columns per step.
///
/// Errors: UnsupportedError when the kernel's block does not fit or the device has no rate for the type;
/// TooLargeError beyond kTasksMost tasks.
Launch lower_spmm_rows(const SpmmSize& size, const Kernel& kernel, const LowerContext& context);

}  // namespace sparsesim
