// What execution charges for: grids, barriers, matrix instructions, the clock.

#include <cooperative_groups.h>

#include "validate/measure/cuda/launch.cuh"
#include "validate/measure/cuda/probe_kernels.h"

namespace sparsesim::measure {
namespace {

__global__ void empty_kernel() {}

__global__ void spin_kernel(std::int64_t cycles) {
  const std::int64_t start = clock64();
  while (clock64() - start < cycles) {
  }
}

__global__ void sync_kernel(int rounds) {
  for (int round = 0; round < rounds; ++round) cooperative_groups::this_grid().sync();
}

__global__ void matrix_kernel(int rounds, std::int64_t* cycles, float* sink) {
  constexpr int kChains = 8;
  float c[kChains][4] = {};
  const unsigned one = 0x3f803f80u;  // two bf16 of value 1
  __syncthreads();
  const std::int64_t start = clock64();
  for (int round = 0; round < rounds; ++round)
#pragma unroll
    for (int i = 0; i < kChains; ++i)
      asm volatile(
          "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%4,%4,%4}, {%4,%4}, {%0,%1,%2,%3};"
          : "+f"(c[i][0]), "+f"(c[i][1]), "+f"(c[i][2]), "+f"(c[i][3])
          : "r"(one));
  float sum = 0;
  for (const auto& chain : c) sum += chain[0];
  if (sum < 0) *sink = sum;  // never: but the results are waited for
  __syncthreads();
  if (threadIdx.x == 0) cycles[0] = clock64() - start;
}

__global__ void clocks_kernel(std::int64_t nanoseconds, std::int64_t* result) {
  std::int64_t begin, now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(begin)::"memory");
  do {  // begin at a tick: the timer steps by up to a microsecond
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now)::"memory");
  } while (now == begin);
  const std::int64_t start = clock64(), from = now;
  std::int64_t cycles = 0;
  do {
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now)::"memory");
    cycles = clock64() - start;
  } while (now - from < nanoseconds);
  result[0] = cycles;
  result[1] = now - from;
}

}  // namespace

cudaError_t empty_grid(std::int64_t ctas, int threads, cudaStream_t stream) {
  empty_kernel<<<as_count(ctas), as_count(threads), 0, stream>>>();
  return cudaGetLastError();
}

cudaError_t spin_grid(int ctas, std::int64_t cycles, int shared_bytes, cudaStream_t stream) {
  const cudaError_t result =
      cudaFuncSetAttribute(spin_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes);
  if (result != cudaSuccess) return result;
  spin_kernel<<<as_count(ctas), kWarp, static_cast<std::size_t>(shared_bytes), stream>>>(cycles);
  return cudaGetLastError();
}

cudaError_t sync_grid(int ctas, int rounds, cudaStream_t stream) {
  void* arguments[] = {&rounds};
  return cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(sync_kernel), dim3(as_count(ctas)), dim3(kWarp),
                                     arguments, 0, stream);
}

cudaError_t matrix_steps(int warps, int rounds, std::int64_t* cycles, float* sink, cudaStream_t stream) {
  matrix_kernel<<<1, as_count(warps * kWarp), 0, stream>>>(rounds, cycles, sink);
  return cudaGetLastError();
}

cudaError_t compare_clocks(std::int64_t nanoseconds, std::int64_t* result, cudaStream_t stream) {
  clocks_kernel<<<1, 1, 0, stream>>>(nanoseconds, result);
  return cudaGetLastError();
}

}  // namespace sparsesim::measure
