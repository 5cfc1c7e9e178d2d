#include "validate/measure/cuda/element.cuh"
#include "validate/measure/cuda/operand_kernels.h"

namespace sparsesim::measure {
namespace {

__global__ void fill_kernel(void* data, Type type, std::int64_t count, std::uint64_t seed, float scale) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
    const std::uint64_t index = static_cast<std::uint64_t>(i);
    float value = scale * (2 * random_unit(seed, index) - 1);
    if (type == Type::int8) value = static_cast<float>(static_cast<int>(random_below(seed, index, 255)) - 127);
    // tf32 keeps 11 bits of the fraction, the leading one included: drop the 13 below.
    if (type == Type::tf32) value = __uint_as_float(__float_as_uint(value) & 0xffffe000u);
    store_element(data, type, i, value);
  }
}

__device__ std::int64_t sampled(std::uint64_t seed, std::int64_t sample, int axis, std::int64_t size) {
  if (sample < 4) return ((sample >> axis) & 1) != 0 ? size - 1 : 0;
  const std::uint64_t index = static_cast<std::uint64_t>(2 * sample + axis);
  return static_cast<std::int64_t>(random_bits(seed, index) % static_cast<std::uint64_t>(size));
}

// One warp a sample.
__global__ void product_kernel(ProductSample s, float* worst) {
  const std::int64_t warps = static_cast<std::int64_t>(gridDim.x) * (blockDim.x / 32);
  const int lane = threadIdx.x % 32;
  for (std::int64_t sample = static_cast<std::int64_t>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
       sample < s.samples; sample += warps) {
    const std::int64_t i = sampled(s.seed, sample, 0, s.m), j = sampled(s.seed, sample, 1, s.n);
    const std::int64_t group = s.group_of_row != nullptr ? s.group_of_row[i] * s.group_stride : 0;
    double sum = 0, size = 0;
    for (std::int64_t k = lane; k < s.k; k += 32) {
      const double term = load_element(s.x.data, s.x.type, i * s.x.row + k * s.x.column) *
                          load_element(s.w.data, s.w.type, group + j * s.w.row + k * s.w.column);
      sum += term;
      size += fabs(term);
    }
    sum = warp_sum(sum);
    size = warp_sum(size);
    if (lane == 0) {
      const double got = load_element(s.out.data, s.out.type, i * s.out.row + j * s.out.column);
      raise_worst(worst, fabs(got - sum) / (s.rounding * fabs(sum) + s.accumulation * size + 1e-30));
    }
  }
}

__global__ void finite_kernel(const void* data, Type type, std::int64_t count, float* worst) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step)
    if (!isfinite(load_element(data, type, i))) raise_worst(worst, 1e30);
}

__global__ void values_kernel(const void* got, Type type, const float* wanted, std::int64_t count, double rounding,
                              double floor, float* worst) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
    const double value = wanted[i];
    raise_worst(worst, fabs(load_element(got, type, i) - value) / (rounding * fabs(value) + floor));
  }
}

__global__ void wait_kernel(std::int64_t nanoseconds) {
  std::int64_t start, now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start));
  do {
    __nanosleep(200);
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  } while (now - start < nanoseconds);
}

}  // namespace

cudaError_t fill_random(void* data, Type type, std::int64_t count, std::uint64_t seed, cudaStream_t stream,
                        float scale) {
  fill_kernel<<<ctas_for(count, 4 * kThreads, kMostCtas), kThreads, 0, stream>>>(data, type, count, seed, scale);
  return cudaGetLastError();
}

cudaError_t compare_product(const ProductSample& sample, float* worst, cudaStream_t stream) {
  product_kernel<<<ctas_for(sample.samples, kThreads / 32, kMostCtas), kThreads, 0, stream>>>(sample, worst);
  return cudaGetLastError();
}

cudaError_t compare_finite(const void* data, Type type, std::int64_t count, float* worst, cudaStream_t stream) {
  finite_kernel<<<ctas_for(count, 4 * kThreads, kMostCtas), kThreads, 0, stream>>>(data, type, count, worst);
  return cudaGetLastError();
}

cudaError_t compare_values(const void* got, Type type, const float* wanted, std::int64_t count, double rounding,
                           double floor, float* worst, cudaStream_t stream) {
  values_kernel<<<ctas_for(count, 4 * kThreads, kMostCtas), kThreads, 0, stream>>>(got, type, wanted, count, rounding,
                                                                                   floor, worst);
  return cudaGetLastError();
}

cudaError_t wait_on_stream(std::int64_t nanoseconds, cudaStream_t stream) {
  wait_kernel<<<1, 1, 0, stream>>>(nanoseconds);
  return cudaGetLastError();
}

}  // namespace sparsesim::measure
