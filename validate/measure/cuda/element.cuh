#pragma once
// One element of any operand type, to and from float.

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include <cstdint>

#include "validate/measure/cuda/element_type.h"
#include "validate/measure/cuda/launch.cuh"

namespace sparsesim::measure {

__device__ inline double load_element(const void* data, Type type, std::int64_t index) {
  switch (type) {
    case Type::fp16:
      return __half2float(static_cast<const __half*>(data)[index]);
    case Type::bf16:
      return __bfloat162float(static_cast<const __nv_bfloat16*>(data)[index]);
    case Type::fp8:
      return static_cast<float>(static_cast<const __nv_fp8_e4m3*>(data)[index]);
    case Type::int8:
      return static_cast<const std::int8_t*>(data)[index];
    case Type::int32:
      return static_cast<const std::int32_t*>(data)[index];
    default:
      return static_cast<const float*>(data)[index];
  }
}

__device__ inline void store_element(void* data, Type type, std::int64_t index, float value) {
  switch (type) {
    case Type::fp16:
      static_cast<__half*>(data)[index] = __float2half(value);
      break;
    case Type::bf16:
      static_cast<__nv_bfloat16*>(data)[index] = __float2bfloat16(value);
      break;
    case Type::fp8:
      static_cast<__nv_fp8_e4m3*>(data)[index] = __nv_fp8_e4m3(value);
      break;
    case Type::int8:
      static_cast<std::int8_t*>(data)[index] = static_cast<std::int8_t>(value);
      break;
    case Type::int32:
      static_cast<std::int32_t*>(data)[index] = static_cast<std::int32_t>(value);
      break;
    default:
      static_cast<float*>(data)[index] = value;
  }
}

__device__ inline float to_float(float value) { return value; }
__device__ inline float to_float(__half value) { return __half2float(value); }
__device__ inline float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ inline void from_float(float value, float& out) { out = value; }
__device__ inline void from_float(float value, __half& out) { out = __float2half(value); }
__device__ inline void from_float(float value, __nv_bfloat16& out) { out = __float2bfloat16(value); }

/// Raises *worst, which is never negative, to `error`; what is no number counts as infinite.
__device__ inline void raise_worst(float* worst, double error) {
  const float bounded = error < 1e30 ? static_cast<float>(error) : 1e30f;
  atomicMax(reinterpret_cast<int*>(worst), __float_as_int(bounded));  // floats that are not negative order as integers
}

__device__ inline double warp_sum(double value) {
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) value += __shfl_xor_sync(kAll, value, lanes);
  return value;
}

}  // namespace sparsesim::measure
