#pragma once
// Kernels around the measured ones: random operands, references in double precision, waiting.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "validate/measure/cuda/element_type.h"
#include "validate/measure/cuda/host_device.h"

namespace sparsesim::measure {

/// Fills `count` elements with uniform random numbers: in [-scale, scale), of int8 over its whole range, of tf32 exact
/// in it.
cudaError_t fill_random(void* data, Type type, std::int64_t count, std::uint64_t seed, cudaStream_t stream,
                        float scale = 1);

/// A matrix in memory: element (i, j) is at i * row + j * column.
struct Strided {
  const void* data = nullptr;
  Type type = Type::fp32;
  std::int64_t row = 0, column = 0;
};

/// Outputs of out = x w^T that are compared: x [m, k], w [n, k], out [m, n].
struct ProductSample {
  std::int64_t m = 0, n = 0, k = 0;
  Strided x, w, out;
  const std::int32_t* group_of_row = nullptr;  // [m]: row i multiplies weights group_of_row[i]; null: all the same
  std::int64_t group_stride = 0;               // elements from one group's weights to the next
  double rounding = 0, accumulation = 0;       // see ProductType
  std::uint64_t seed = 0;
  std::int64_t samples = 0;  // the first four are the corners
};

/// Raises *worst to the largest error over its tolerance: |out - x w| / (rounding |x w| + accumulation |x| |w|).
/// A result that is no number counts as infinite.
cudaError_t compare_product(const ProductSample& sample, float* worst, cudaStream_t stream);

/// Raises *worst to infinity where one of `count` elements is no finite number.
cudaError_t compare_finite(const void* data, Type type, std::int64_t count, float* worst, cudaStream_t stream);

/// Raises *worst to |got - wanted| / (rounding |wanted| + floor) over `count` elements.
cudaError_t compare_values(const void* got, Type type, const float* wanted, std::int64_t count, double rounding,
                           double floor, float* worst, cudaStream_t stream);

/// Occupies the stream for about `nanoseconds`, so that what is enqueued behind it starts without waiting for the host.
cudaError_t wait_on_stream(std::int64_t nanoseconds, cudaStream_t stream);

}  // namespace sparsesim::measure
