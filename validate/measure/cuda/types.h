#pragma once
// Types of products: names in CUDA's libraries, and how exact a product is.

#include <cublasLt.h>
#include <library_types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "validate/measure/cuda/element_type.h"

namespace sparsesim::measure {

/// A product of operands of one type, as the libraries run it.
struct ProductType {
  Type in, out;
  std::size_t in_bytes, out_bytes;
  cudaDataType_t in_cuda, out_cuda, scale_cuda;
  cublasComputeType_t compute;
  double rounding;      // of one result, over its size: the unit in the last place of `out`
  double accumulation;  // of one sum, over the sum of its terms' sizes
};

/// The product type of a row's dtype. Errors: NotHere for a type without one (int4, mixed types).
ProductType product_type(std::string_view dtype);

}  // namespace sparsesim::measure
