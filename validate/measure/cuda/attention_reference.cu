// Attention of sampled queries in double precision, one CTA a sample.

#include "validate/measure/cuda/attention_kernels.h"
#include "validate/measure/cuda/element.cuh"

namespace sparsesim::measure {
namespace {

constexpr int kReferenceThreads = 128;

__device__ double block_sum(double value) {
  __shared__ double parts[kReferenceThreads / kWarp];
  value = warp_sum(value);
  __syncthreads();
  if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = value;
  __syncthreads();
  double sum = 0;
  for (const double part : parts) sum += part;
  return sum;
}

__device__ double block_most(double value) {
  __shared__ double parts[kReferenceThreads / kWarp];
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) value = fmax(value, __shfl_xor_sync(kAll, value, lanes));
  __syncthreads();
  if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = value;
  __syncthreads();
  double most = parts[0];
  for (const double part : parts) most = fmax(most, part);
  return most;
}

// One CTA a sample.
__global__ void compare_attention_kernel(AttentionCall call, const std::int32_t* samples, float* scores,
                                         double rounding, float* worst) {
  const int query = samples[3 * blockIdx.x], head = samples[3 * blockIdx.x + 1], batch = samples[3 * blockIdx.x + 2];
  const int D = call.head_dim, thread = static_cast<int>(threadIdx.x);
  const std::int64_t row = static_cast<std::int64_t>(batch) * call.seq;
  const std::int64_t q_at = ((row + query) * call.heads + head) * D;
  const int kv_head = head / (call.heads / call.kv_heads);
  float* const weights = scores + static_cast<std::int64_t>(blockIdx.x) * call.seq;
  const auto kv_at = [&](int key) { return ((row + key) * call.kv_heads + kv_head) * D; };
  double most = -INFINITY;
  for (int key = thread; key < call.seq; key += kReferenceThreads) {
    double dot = 0;
    if (call.mask.sees(query, key))
      for (int d = 0; d < D; ++d)
        dot += load_element(call.q, call.type, q_at + d) * load_element(call.k, call.type, kv_at(key) + d);
    weights[key] = call.mask.sees(query, key) ? static_cast<float>(dot * rsqrt(static_cast<double>(D))) : -INFINITY;
    most = fmax(most, static_cast<double>(weights[key]));
  }
  most = block_most(most);
  double sum = 0, squares = 0;
  for (int key = thread; key < call.seq; key += kReferenceThreads) {
    const double weight = most == -INFINITY ? 0 : exp(weights[key] - most);
    weights[key] = static_cast<float>(weight);
    sum += weight;
    squares += weight * weight;
  }
  sum = block_sum(sum);
  squares = block_sum(squares);
  __syncthreads();
  const double share = sum > 0 ? 1 / sum : 0, typical = sqrt(squares / 3) * share;  // values have variance 1/3
  for (int d = thread; d < D; d += kReferenceThreads) {
    double wanted = 0;
    for (int key = 0; key < call.seq; ++key)
      if (weights[key] > 0) wanted += weights[key] * share * load_element(call.v, call.type, kv_at(key) + d);
    const double got = load_element(call.out, call.type, q_at + d);
    raise_worst(worst, fabs(got - wanted) / (rounding * (fabs(wanted) + 2 * typical) + 1e-30));
  }
}

}  // namespace

cudaError_t compare_attention(const AttentionCall& call, const std::int32_t* samples, std::int32_t count, float* scores,
                              double rounding, float* worst, cudaStream_t stream) {
  compare_attention_kernel<<<static_cast<unsigned>(count), kReferenceThreads, 0, stream>>>(call, samples, scores,
                                                                                           rounding, worst);
  return cudaGetLastError();
}

}  // namespace sparsesim::measure
