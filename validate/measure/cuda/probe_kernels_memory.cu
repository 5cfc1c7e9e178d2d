// What memory charges for: latency, bandwidth, granules, banks.

#include "validate/measure/cuda/host_device.h"
#include "validate/measure/cuda/launch.cuh"
#include "validate/measure/cuda/probe_kernels.h"

namespace sparsesim::measure {
namespace {

constexpr int kProbeThreads = 512;

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
  const uint4* const mine = data + static_cast<std::int64_t>(blockIdx.x) * 2 * kProbeThreads + threadIdx.x;
  std::uint32_t sum = 0;
#pragma unroll 4
  for (int repeat = 0; repeat < repeats; ++repeat)
    sum ^= folded(read_16_through_l1(mine)) ^ folded(read_16_through_l1(mine + kProbeThreads));
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
__global__ void gather_granules_kernel(const unsigned char* data, std::int64_t places, int granule, std::int64_t count,
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
  for (int i = static_cast<int>(threadIdx.x); i < kWarp * kWarp; i += kProbeThreads)
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

}  // namespace

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
    if (bytes < std::int64_t{ctas} * 2 * kProbeThreads * 16) return cudaErrorInvalidValue;
    read_own_kernel<<<as_count(ctas), kProbeThreads, 0, stream>>>(pieces, repeats, sink);
  } else {
    read_kernel<<<as_count(ctas), kProbeThreads, 0, stream>>>(pieces, bytes / 16, repeats, sink);
  }
  return cudaGetLastError();
}

cudaError_t write_all(void* data, std::int64_t bytes, int ctas, cudaStream_t stream) {
  write_kernel<<<as_count(ctas), kProbeThreads, 0, stream>>>(static_cast<uint4*>(data), bytes / 16);
  return cudaGetLastError();
}

cudaError_t read_strided(const void* data, std::int64_t bytes, int take, int stride, int ctas, std::uint32_t* sink,
                         cudaStream_t stream) {
  strided_kernel<<<as_count(ctas), kProbeThreads, 0, stream>>>(static_cast<const unsigned char*>(data), bytes / stride,
                                                               take, stride, sink);
  return cudaGetLastError();
}

cudaError_t gather_granules(const void* data, std::int64_t bytes, int granule, std::int64_t count, std::uint64_t seed,
                            int ctas, std::uint32_t* sink, cudaStream_t stream) {
  const auto* from = static_cast<const unsigned char*>(data);
  if (granule >= 16) {
    gather_granules_kernel<16>
        <<<as_count(ctas), kProbeThreads, 0, stream>>>(from, bytes / granule, granule, count, seed, sink);
  } else {
    gather_granules_kernel<4>
        <<<as_count(ctas), kProbeThreads, 0, stream>>>(from, bytes / granule, granule, count, seed, sink);
  }
  return cudaGetLastError();
}

cudaError_t bank_reads(int stride, int rounds, std::int64_t* cycles, std::uint32_t* sink, cudaStream_t stream) {
  bank_kernel<<<1, kProbeThreads, 0, stream>>>(stride, rounds, cycles, sink);
  return cudaGetLastError();
}

}  // namespace sparsesim::measure
