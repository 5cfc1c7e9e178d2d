#pragma once
// How engines that skip zeros go through a product: one function per dataflow, the op that names it in a kernel
// library beside it (docs/models/arrays.md).

#include "models/ops/arrays/array.h"

namespace sparsesim {

/// `array_columns`: every activation that is not zero is broadcast, and each element walks the entries of that column
/// that lie in its rows (EIE). Elements hold `queue_depth` broadcasts; the slowest one holds up the next.
Launch lower_array_columns(const SpmmSize& size, const Kernel& kernel, const LowerContext& context);

/// `array_outer`: each element has the activations of its own rows and multiplies all that are not zero with all
/// weights of the same input, lanes by lanes; a barrier after each group of weight columns (SCNN).
Launch lower_array_outer(const SpmmSize& size, const Kernel& kernel, const LowerContext& context);

/// `array_stationary`: the stored weights are packed onto all multipliers, which one row of activations after the other
/// passes (SIGMA). Activations can stay in their place, and weights pass.
Launch lower_array_stationary(const SpmmSize& size, const Kernel& kernel, const LowerContext& context);

}  // namespace sparsesim
