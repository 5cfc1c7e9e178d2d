#include "validate/measure/cuda/element.cuh"
#include "validate/measure/cuda/gather_kernels.h"
#include "validate/measure/cuda/host_device.h"

namespace sparsesim::measure {
namespace {

/// Sixteen bytes of a row.
template <class T>
struct alignas(16) Piece {
  static constexpr int kElements = 16 / static_cast<int>(sizeof(T));
  T value[kElements];
};

/// A load that is made whether or not its value is used.
__device__ uint4 load_always(const void* from) {
  uint4 value;
  asm volatile("ld.global.v4.u32 {%0,%1,%2,%3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "l"(from));
  return value;
}

// `lanes` neighbouring threads share a bag, sixteen bytes each at a time; several rows are under way at once.
template <class T, class Index>
__global__ void gather_bags_kernel(BagCall call, int lanes) {
  constexpr int kAtOnce = 4, kElements = Piece<T>::kElements;
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const std::int64_t bag = thread / lanes, pieces = call.dim / kElements;
  if (bag >= call.bags) return;
  const auto* table = static_cast<const Piece<T>*>(call.table);
  const auto* indices = static_cast<const Index*>(call.indices) + bag * call.pooling;
  for (std::int64_t piece = thread % lanes; piece < pieces; piece += lanes) {
    float sum[kElements] = {};
    for (std::int64_t i = 0; i < call.pooling; i += kAtOnce) {
      Piece<T> rows[kAtOnce];
#pragma unroll
      for (int j = 0; j < kAtOnce; ++j)
        if (i + j < call.pooling) rows[j] = table[static_cast<std::int64_t>(indices[i + j]) * pieces + piece];
#pragma unroll
      for (int j = 0; j < kAtOnce; ++j)
        if (i + j < call.pooling)
          for (int e = 0; e < kElements; ++e) sum[e] += to_float(rows[j].value[e]);
    }
    Piece<T> result;
    for (int e = 0; e < kElements; ++e) from_float(sum[e], result.value[e]);
    static_cast<Piece<T>*>(call.out)[bag * pieces + piece] = result;
  }
}

template <class T>
__global__ void scan_kernel(BagCall call) {
  constexpr int kElements = Piece<T>::kElements;
  const std::int64_t pieces = call.dim / kElements, step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  const auto* table = static_cast<const uint4*>(call.table);
  float* out = static_cast<float*>(call.out);
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < call.rows * pieces;
       i += step) {
    const uint4 raw = load_always(table + i);
    const auto& part = reinterpret_cast<const Piece<T>&>(raw);
    const std::int64_t row = i / pieces, first = i % pieces * kElements;
    for (std::int64_t place = call.row_begin[row]; place < call.row_begin[row + 1]; ++place)
      for (int e = 0; e < kElements; ++e)
        atomicAdd(out + call.bag_of[place] * call.dim + first + e, to_float(part.value[e]));
  }
}

__global__ void compare_bags_kernel(BagCall call, Type out_type, std::int64_t samples, std::uint64_t seed,
                                    double rounding, double accumulation, float* worst) {
  const std::int64_t sample = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (sample >= samples) return;
  const std::uint64_t outputs = static_cast<std::uint64_t>(call.bags * call.dim);
  const auto at = static_cast<std::int64_t>(
      sample == 0 ? outputs - 1 : random_bits(seed, static_cast<std::uint64_t>(sample)) % outputs);
  const std::int64_t bag = at / call.dim, element = at % call.dim;
  double sum = 0, size = 0;
  for (std::int64_t i = bag * call.pooling; i < (bag + 1) * call.pooling; ++i) {
    const std::int64_t row = call.index_bytes == 8 ? static_cast<const std::int64_t*>(call.indices)[i]
                                                   : static_cast<const std::int32_t*>(call.indices)[i];
    const double value = load_element(call.table, call.type, row * call.dim + element);
    sum += value;
    size += fabs(value);
  }
  raise_worst(worst,
              fabs(load_element(call.out, out_type, at) - sum) / (rounding * fabs(sum) + accumulation * size + 1e-30));
}

template <class T>
cudaError_t gather_of(const BagCall& call, cudaStream_t stream) {
  const std::int64_t pieces = call.dim / Piece<T>::kElements;
  int lanes = 1;
  while (lanes < 32 && lanes < pieces) lanes *= 2;
  const auto blocks = ctas_for(call.bags * lanes, kThreads);
  if (call.index_bytes == 8) {
    gather_bags_kernel<T, std::int64_t><<<blocks, kThreads, 0, stream>>>(call, lanes);
  } else {
    gather_bags_kernel<T, std::int32_t><<<blocks, kThreads, 0, stream>>>(call, lanes);
  }
  return cudaGetLastError();
}

template <class T>
cudaError_t scan_of(const BagCall& call, cudaStream_t stream) {
  const std::int64_t pieces = call.rows * (call.dim / Piece<T>::kElements);
  const auto blocks = ctas_for(pieces, kThreads, kMostCtas);
  scan_kernel<T><<<blocks, kThreads, 0, stream>>>(call);
  return cudaGetLastError();
}

}  // namespace

cudaError_t gather_bags(const BagCall& call, cudaStream_t stream) {
  if (call.type == Type::fp16) return gather_of<__half>(call, stream);
  if (call.type == Type::bf16) return gather_of<__nv_bfloat16>(call, stream);
  return call.type == Type::fp32 ? gather_of<float>(call, stream) : cudaErrorInvalidValue;
}

cudaError_t scan_table(const BagCall& call, cudaStream_t stream) {
  if (call.type == Type::fp16) return scan_of<__half>(call, stream);
  if (call.type == Type::bf16) return scan_of<__nv_bfloat16>(call, stream);
  return call.type == Type::fp32 ? scan_of<float>(call, stream) : cudaErrorInvalidValue;
}

cudaError_t compare_bags(const BagCall& call, Type out_type, std::int64_t samples, std::uint64_t seed, double rounding,
                         double accumulation, float* worst, cudaStream_t stream) {
  const auto blocks = ctas_for(samples, kThreads);
  compare_bags_kernel<<<blocks, kThreads, 0, stream>>>(call, out_type, samples, seed, rounding, accumulation, worst);
  return cudaGetLastError();
}

}  // namespace sparsesim::measure
