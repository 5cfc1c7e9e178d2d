#pragma once
// How wrong a product is.

#include "validate/measure/cuda/device.h"
#include "validate/measure/cuda/operand_kernels.h"
#include "validate/measure/cuda/types.h"

namespace sparsesim::measure {

/// The largest error of 2^15 results over the type's tolerance (see compare_product); infinite where one of the m * n
/// results, which lie side by side, is no number. `product` says sizes, operands and seed.
double product_error(const Device& device, const ProductType& type, ProductSample product);

}  // namespace sparsesim::measure
