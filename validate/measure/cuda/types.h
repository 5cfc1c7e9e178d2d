#pragma once
// Element types of operands: sizes, names in CUDA's libraries, and how exact a product of them is.

#include <cublasLt.h>
#include <library_types.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace sparsesim::measure {

enum class Type { fp32, tf32, fp16, bf16, fp8, int8, int32 };

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

std::size_t bytes_of(Type type);

}  // namespace sparsesim::measure
