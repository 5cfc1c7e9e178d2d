#pragma once
// Sampled dense-dense product: of dY^T X only the entries where weights are stored.

#include "models/ops/weights/spmm.h"

namespace sparsesim {

/// Gradients of the stored weights of a layer that multiplies activations [m, k] by weights [k, n]: of the outputs'
/// gradients [m, n] transposed times the activations, the stored units alone. `size` is that of the forward product.
///
/// Kernels without the matrix unit (matrix_rows 0) read both operands along m, so a pass before transposes them.
/// Multiply-adds: stored weights * m. Constants (docs/models/training.md): matrix_rows, item_cycles, dram_share,
/// prologue_cycles, epilogue_cycles. Errors: UnsupportedError without an `sddmm` kernel for the pattern and type;
/// TooLargeError beyond kTasksMost tasks.
std::vector<Launch> lower_sddmm(const SpmmSize& size, const LowerContext& context);

}  // namespace sparsesim
