#include <cooperative_groups.h>

#include <algorithm>

#include "validate/measure/cuda/host_device.h"
#include "validate/measure/cuda/probe_kernels.h"

namespace sparsesim::measure {
namespace {

constexpr int kThreads = 512, kWarp = 32;

__device__ std::uint32_t read_past_l1(const std::uint32_t* from) {
  std::uint32_t value;
  asm volatile("ld.global.cg.u32 %0, [%1];" : "=r"(value) : "l"(from) : "memory");
  return value;
}
__device__ std::uint32_t read_through_l1(const std::uint32_t* from) {
  std::uint32_t value;
  asm volatile("ld.global.ca.u32 %0, [%1];" : "=r"(value) : "l"(from) : "memory");
  return value;
}
__device__ uint4 read_16_past_l1(const uint4* from) {
  uint4 value;
  asm volatile("ld.global.cg.v4.u32 {%0,%1,%2,%3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "l"(from));
  return value;
}
__device__ uint4 read_16_through_l1(const uint4* from) {
  uint4 value;
  asm volatile("ld.global.ca.v4.u32 {%0,%1,%2,%3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "l"(from));
  return value;
}
__device__ std::uint32_t folded(const uint4& value) { return value.x ^ value.y ^ value.z ^ value.w; }
/// Never true in practice; keeps what was read.
__device__ void keep(std::uint32_t value, std::uint32_t* sink) {
  if (value == 0x9e3779b9u) *sink = value;
}

__global__ void empty_kernel() {}

__global__ void spin_kernel(std::int64_t cycles) {
  const std::int64_t start = clock64();
  while (clock64() - start < cycles) {
  }
}

__global__ void sync_kernel(int rounds) {
  for (int round = 0; round < rounds; ++round) cooperative_groups::this_grid().sync();
}

/// The clock once `value` is there: its store waits for it, and later instructions for the store to be issued.
__device__ std::int64_t clock_after(std::uint32_t value) {
  __shared__ volatile std::uint32_t seen;
  seen = value;
  return clock64();
}

__global__ void chase_kernel(Chase chase) {
  std::uint32_t at = chase.start;
  const std::int64_t start = clock64();
  if (chase.log != nullptr) {
    for (int step = 0; step < chase.steps; ++step) {
      const std::int64_t before = clock64();
      at = read_past_l1(chase.next + at);
      chase.log[step] = static_cast<std::uint32_t>(clock_after(at) - before);
    }
  } else if (chase.through_l1) {
    for (int step = 0; step < chase.steps; ++step) at = read_through_l1(chase.next + at);
  } else {
    for (int step = 0; step < chase.steps; ++step) at = read_past_l1(chase.next + at);
  }
  chase.cycles[0] = clock_after(at) - start;
}

__global__ void latency_kernel(const std::uint32_t* element, unsigned unit, int rounds, float* cycles) {
  unsigned mine;
  asm volatile("mov.u32 %0, %%smid;" : "=r"(mine));
  if (mine != unit) return;
  constexpr int kTries = 8;
  std::int64_t best = INT64_MAX;
  std::uint32_t at = 0;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const std::int64_t start = clock64();
    for (int round = 0; round < rounds; ++round) at = read_past_l1(element + at);
    const std::int64_t taken = clock_after(at) - start;
    best = taken < best ? taken : best;
  }
  cycles[unit] = static_cast<float>(best) / static_cast<float>(rounds);
}

__global__ void read_kernel(const uint4* data, std::int64_t pieces, int repeats, std::uint32_t* sink) {
  constexpr int kAtOnce = 4;
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  std::uint32_t sum = 0;
  for (int repeat = 0; repeat < repeats; ++repeat)
    for (std::int64_t i = first; i < pieces; i += kAtOnce * threads) {
      uint4 value[kAtOnce] = {};
#pragma unroll
      for (int j = 0; j < kAtOnce; ++j)
        if (i + j * threads < pieces) value[j] = read_16_past_l1(data + i + j * threads);
#pragma unroll
      for (int j = 0; j < kAtOnce; ++j) sum ^= folded(value[j]);
    }
  keep(sum, sink);
}

// Each CTA reads its own 16 KiB again and again: two pieces of 16 bytes a thread.
__global__ void read_own_kernel(const uint4* data, int repeats, std::uint32_t* sink) {
  const uint4* const mine = data + static_cast<std::int64_t>(blockIdx.x) * 2 * kThreads + threadIdx.x;
  std::uint32_t sum = 0;
#pragma unroll 4
  for (int repeat = 0; repeat < repeats; ++repeat)
    sum ^= folded(read_16_through_l1(mine)) ^ folded(read_16_through_l1(mine + kThreads));
  keep(sum, sink);
}

__global__ void write_kernel(uint4* data, std::int64_t pieces) {
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < pieces; i += threads)
    data[i] = make_uint4(1, 2, 3, 4);
}

// Sixteen bytes a thread; neighbours share the `take` bytes of one stride.
__global__ void strided_kernel(const unsigned char* data, std::int64_t strides, int take, int stride,
                               std::uint32_t* sink) {
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  const int lanes = take / 16;
  std::uint32_t sum = 0;
#pragma unroll 4
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < strides * lanes;
       i += threads)
    sum ^= folded(read_16_past_l1(reinterpret_cast<const uint4*>(data + i / lanes * stride + i % lanes * 16)));
  keep(sum, sink);
}

// Neighbouring lanes share a granule; what is wider than a warp reads at once is read in turns.
template <int kWidth>
__global__ void gather_kernel(const unsigned char* data, std::int64_t places, int granule, std::int64_t count,
                              std::uint64_t seed, std::uint32_t* sink) {
  const int lanes = granule / kWidth < kWarp ? granule / kWidth : kWarp;
  const std::int64_t groups = static_cast<std::int64_t>(gridDim.x) * blockDim.x / lanes;
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const int lane = static_cast<int>(thread % lanes);
  std::uint32_t sum = 0;
#pragma unroll 4
  for (std::int64_t i = thread / lanes; i < count; i += groups) {
    const std::int64_t place = random_below(seed, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(places));
    const unsigned char* const from = data + place * granule + lane * kWidth;
    for (int turn = 0; turn < granule; turn += lanes * kWidth) {
      if constexpr (kWidth == 16)
        sum ^= folded(read_16_past_l1(reinterpret_cast<const uint4*>(from + turn)));
      else
        sum ^= read_past_l1(reinterpret_cast<const std::uint32_t*>(from + turn));
    }
  }
  keep(sum, sink);
}

__global__ void bank_kernel(int stride, int rounds, std::int64_t* cycles, std::uint32_t* sink) {
  __shared__ volatile std::uint32_t words[kWarp * kWarp];
  for (int i = static_cast<int>(threadIdx.x); i < kWarp * kWarp; i += kThreads)
    words[i] = static_cast<std::uint32_t>(i);
  __syncthreads();
  const int at = static_cast<int>(threadIdx.x) % kWarp * stride % (kWarp * kWarp);
  std::uint32_t sum = 0;
  const std::int64_t start = clock64();
#pragma unroll 8
  for (int round = 0; round < rounds; ++round) sum += words[at];
  __syncthreads();
  if (threadIdx.x == 0) cycles[0] = clock64() - start;
  keep(sum, sink);
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

unsigned as_count(std::int64_t value) { return static_cast<unsigned>(value); }

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

cudaError_t chase(const Chase& chase, cudaStream_t stream) {
  chase_kernel<<<1, 1, 0, stream>>>(chase);
  return cudaGetLastError();
}

cudaError_t line_latency(const std::uint32_t* element, int unit, int ctas, int rounds, int shared_bytes, float* cycles,
                         cudaStream_t stream) {
  const cudaError_t result =
      cudaFuncSetAttribute(latency_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes);
  if (result != cudaSuccess) return result;
  latency_kernel<<<as_count(ctas), 1, static_cast<std::size_t>(shared_bytes), stream>>>(element, as_count(unit), rounds,
                                                                                        cycles);
  return cudaGetLastError();
}

cudaError_t read_all(const void* data, std::int64_t bytes, int repeats, int ctas, bool own_share, std::uint32_t* sink,
                     cudaStream_t stream) {
  const auto* pieces = static_cast<const uint4*>(data);
  if (own_share) {
    if (bytes < std::int64_t{ctas} * 2 * kThreads * 16) return cudaErrorInvalidValue;
    read_own_kernel<<<as_count(ctas), kThreads, 0, stream>>>(pieces, repeats, sink);
  } else {
    read_kernel<<<as_count(ctas), kThreads, 0, stream>>>(pieces, bytes / 16, repeats, sink);
  }
  return cudaGetLastError();
}

cudaError_t write_all(void* data, std::int64_t bytes, int ctas, cudaStream_t stream) {
  write_kernel<<<as_count(ctas), kThreads, 0, stream>>>(static_cast<uint4*>(data), bytes / 16);
  return cudaGetLastError();
}

cudaError_t read_strided(const void* data, std::int64_t bytes, int take, int stride, int ctas, std::uint32_t* sink,
                         cudaStream_t stream) {
  strided_kernel<<<as_count(ctas), kThreads, 0, stream>>>(static_cast<const unsigned char*>(data), bytes / stride, take,
                                                          stride, sink);
  return cudaGetLastError();
}

cudaError_t gather_granules(const void* data, std::int64_t bytes, int granule, std::int64_t count, std::uint64_t seed,
                            int ctas, std::uint32_t* sink, cudaStream_t stream) {
  const auto* from = static_cast<const unsigned char*>(data);
  if (granule >= 16) {
    gather_kernel<16><<<as_count(ctas), kThreads, 0, stream>>>(from, bytes / granule, granule, count, seed, sink);
  } else {
    gather_kernel<4><<<as_count(ctas), kThreads, 0, stream>>>(from, bytes / granule, granule, count, seed, sink);
  }
  return cudaGetLastError();
}

cudaError_t bank_reads(int stride, int rounds, std::int64_t* cycles, std::uint32_t* sink, cudaStream_t stream) {
  bank_kernel<<<1, kThreads, 0, stream>>>(stride, rounds, cycles, sink);
  return cudaGetLastError();
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
