#include "validate/measure/cuda/element.cuh"
#include "validate/measure/cuda/expert_kernels.h"

namespace sparsesim::measure {
namespace {

constexpr int kLane = static_cast<int>(kExpertsMost) / kWarp;  // logits of one lane

/// Eight elements as they are moved.
template <class T>
struct alignas(16) Eight {
  T value[8];
};

__device__ float silu(float x) { return x / (1 + __expf(-x)); }

__global__ void route_kernel(ExpertLayer layer, ExpertArrays a) {
  const int token = static_cast<int>(blockIdx.x) * (kThreads / kWarp) + static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  if (token >= layer.tokens) return;  // whole warps leave
  const float* logits = a.logits + static_cast<std::int64_t>(token) * layer.experts;
  unsigned taken = 0;  // bit i: expert i * 32 + lane
  float first = 0, sum = 0, mine = 0;
  int my_expert = 0;
  for (int round = 0; round < layer.top_k; ++round) {
    float best = -INFINITY;
    int expert = layer.experts;
    for (int i = 0; i < kLane; ++i) {
      const int candidate = i * kWarp + lane;
      if (candidate >= layer.experts || (taken >> i & 1u) != 0) continue;
      const float logit = logits[candidate];
      if (logit > best || expert == layer.experts) {
        best = logit;
        expert = candidate;
      }
    }
    for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) {
      const float other = __shfl_xor_sync(kAll, best, lanes);
      const int other_expert = __shfl_xor_sync(kAll, expert, lanes);
      if (other > best || (other == best && other_expert < expert)) {
        best = other;
        expert = other_expert;
      }
    }
    if (expert % kWarp == lane) taken |= 1u << (expert / kWarp);
    if (round == 0) first = best;
    const float weight = __expf(best - first);
    sum += weight;
    if (round == lane) {
      mine = weight;
      my_expert = expert;
    }
  }
  if (lane < layer.top_k) {
    a.chosen[token * layer.top_k + lane] = my_expert;
    a.share[token * layer.top_k + lane] = mine / sum;
  }
}

// One CTA of 1024 threads: counts, their running sum, places.
__global__ void sort_kernel(ExpertLayer layer, ExpertArrays a) {
  __shared__ int next[kExpertsMost];
  __shared__ int warp_total[kWarp];
  const int thread = static_cast<int>(threadIdx.x), slots = layer.tokens * layer.top_k;
  next[thread] = 0;
  __syncthreads();
  for (int slot = thread; slot < slots; slot += static_cast<int>(blockDim.x)) atomicAdd(&next[a.chosen[slot]], 1);
  __syncthreads();
  const int count = next[thread], lane = thread % kWarp, warp = thread / kWarp;
  int running = count;
  for (int lanes = 1; lanes < kWarp; lanes *= 2) {
    const int other = __shfl_up_sync(kAll, running, lanes);
    if (lane >= lanes) running += other;
  }
  if (lane == kWarp - 1) warp_total[warp] = running;
  __syncthreads();
  int before = 0;
  for (int i = 0; i < warp; ++i) before += warp_total[i];
  next[thread] = before + running - count;
  __syncthreads();
  for (int slot = thread; slot < slots; slot += static_cast<int>(blockDim.x)) {
    const int place = atomicAdd(&next[a.chosen[slot]], 1);
    a.slot_of[slot] = place;
    a.token_of[place] = slot / layer.top_k;
  }
}

// Elements of 16 bits are moved as they are, sixteen bytes a thread.
__global__ void gather_tokens_kernel(ExpertLayer layer, ExpertArrays a) {
  const std::int64_t pieces = layer.hidden / 8, place = blockIdx.x;
  const uint4* from = static_cast<const uint4*>(a.x) + a.token_of[place] * pieces;
  uint4* to = static_cast<uint4*>(a.gathered) + place * pieces;
  for (std::int64_t i = threadIdx.x; i < pieces; i += blockDim.x) to[i] = from[i];
}

template <class T>
__global__ void activate_kernel(const T* inner, T* activated, std::int64_t rows, std::int64_t width, bool gated) {
  const std::int64_t pieces = width / 8, step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  const std::int64_t row_pieces = gated ? 2 * pieces : pieces;
  const auto* in = reinterpret_cast<const Eight<T>*>(inner);
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows * pieces;
       i += step) {
    const std::int64_t row = i / pieces, piece = i % pieces;
    const Eight<T> gate = in[row * row_pieces + piece];
    Eight<T> result;
    if (gated) {
      const Eight<T> up = in[row * row_pieces + pieces + piece];
      for (int e = 0; e < 8; ++e) from_float(silu(to_float(gate.value[e])) * to_float(up.value[e]), result.value[e]);
    } else {
      for (int e = 0; e < 8; ++e) from_float(silu(to_float(gate.value[e])), result.value[e]);
    }
    reinterpret_cast<Eight<T>*>(activated)[i] = result;
  }
}

template <class T>
__global__ void combine_kernel(ExpertLayer layer, ExpertArrays a) {
  const std::int64_t pieces = layer.hidden / 8, token = blockIdx.x;
  const auto* down = static_cast<const Eight<T>*>(a.down);
  auto* out = static_cast<Eight<T>*>(a.out);
  for (std::int64_t i = threadIdx.x; i < pieces; i += blockDim.x) {
    float sum[8] = {};
    for (int j = 0; j < layer.top_k; ++j) {
      const float share = a.share[token * layer.top_k + j];
      const Eight<T> row = down[a.slot_of[token * layer.top_k + j] * pieces + i];
      for (int e = 0; e < 8; ++e) sum[e] += share * to_float(row.value[e]);
    }
    Eight<T> result;
    for (int e = 0; e < 8; ++e) from_float(sum[e], result.value[e]);
    out[token * pieces + i] = result;
  }
}

__device__ double dot(const void* x, const void* w, Type type, std::int64_t x_at, std::int64_t w_at, int count) {
  double sum = 0;
  for (int i = static_cast<int>(threadIdx.x) % kWarp; i < count; i += kWarp)
    sum += load_element(x, type, x_at + i) * load_element(w, type, w_at + i);
  return warp_sum(sum);
}

// grid.x: tokens * top_k; warps share the intermediate results.
__global__ void reference_inner_kernel(ExpertReference r) {
  const int token = static_cast<int>(blockIdx.x) / r.layer.top_k,
            warps = static_cast<int>(gridDim.y * blockDim.x) / kWarp;
  const std::int64_t width = r.layer.up_width(), hidden = r.layer.hidden, expert = r.chosen[blockIdx.x];
  for (int i = static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x) / kWarp; i < r.layer.intermediate; i += warps) {
    const std::int64_t row = (expert * width + i) * hidden;
    const double gate = dot(r.x, r.up, r.layer.type, token * hidden, row, r.layer.hidden);
    double value = gate / (1 + exp(-gate));
    if (r.layer.gated)
      value *= dot(r.x, r.up, r.layer.type, token * hidden, row + r.layer.intermediate * hidden, r.layer.hidden);
    if (threadIdx.x % kWarp == 0)
      r.inner[static_cast<std::int64_t>(blockIdx.x) * r.layer.intermediate + i] = static_cast<float>(value);
  }
}

// grid.x: tokens; warps share the outputs.
__global__ void reference_out_kernel(ExpertReference r) {
  const int token = static_cast<int>(blockIdx.x), warps = static_cast<int>(gridDim.y * blockDim.x) / kWarp;
  const int top_k = r.layer.top_k, lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t width = r.layer.intermediate;
  double sum = 0;
  for (int j = 0; j < top_k; ++j)
    sum += exp(static_cast<double>(r.logits[token * r.layer.experts + r.chosen[token * top_k + j]]));
  for (int h = static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x) / kWarp; h < r.layer.hidden; h += warps) {
    double result = 0;
    for (int j = 0; j < top_k; ++j) {
      const std::int64_t slot = static_cast<std::int64_t>(token) * top_k + j, expert = r.chosen[slot];
      const std::int64_t row = (expert * r.layer.hidden + h) * width;
      double part = 0;
      for (std::int64_t i = lane; i < width; i += kWarp)
        part += r.inner[slot * width + i] * load_element(r.down, r.layer.type, row + i);
      result += warp_sum(part) * exp(static_cast<double>(r.logits[token * r.layer.experts + expert])) / sum;
    }
    if (lane == 0) r.wanted[static_cast<std::int64_t>(token) * r.layer.hidden + h] = static_cast<float>(result);
  }
}

}  // namespace

cudaError_t route_tokens(const ExpertLayer& layer, const ExpertArrays& arrays, cudaStream_t stream) {
  if (layer.experts > kExpertsMost || layer.top_k > kTopMost) return cudaErrorInvalidValue;
  constexpr int kTokens = kThreads / kWarp;
  route_kernel<<<ctas_for(layer.tokens, kTokens), kThreads, 0, stream>>>(layer, arrays);
  return cudaGetLastError();
}

cudaError_t sort_slots(const ExpertLayer& layer, const ExpertArrays& arrays, cudaStream_t stream) {
  static_assert(kExpertsMost == 1024, "a thread for each expert");
  sort_kernel<<<1, static_cast<unsigned>(kExpertsMost), 0, stream>>>(layer, arrays);
  return cudaGetLastError();
}

cudaError_t gather_tokens(const ExpertLayer& layer, const ExpertArrays& arrays, cudaStream_t stream) {
  gather_tokens_kernel<<<ctas_for(layer.slots(), 1), kThreads, 0, stream>>>(layer, arrays);
  return cudaGetLastError();
}

cudaError_t activate(const void* inner, void* activated, std::int64_t rows, std::int64_t width, bool gated, Type type,
                     cudaStream_t stream) {
  const unsigned blocks = ctas_for(rows * width / 8, kThreads, 1 << 20);
  if (type == Type::fp16) {
    activate_kernel<<<blocks, kThreads, 0, stream>>>(static_cast<const __half*>(inner), static_cast<__half*>(activated),
                                                     rows, width, gated);
  } else {
    activate_kernel<<<blocks, kThreads, 0, stream>>>(static_cast<const __nv_bfloat16*>(inner),
                                                     static_cast<__nv_bfloat16*>(activated), rows, width, gated);
  }
  return cudaGetLastError();
}

cudaError_t combine_slots(const ExpertLayer& layer, const ExpertArrays& arrays, cudaStream_t stream) {
  if (layer.type == Type::fp16) {
    combine_kernel<__half><<<ctas_for(layer.tokens, 1), kThreads, 0, stream>>>(layer, arrays);
  } else {
    combine_kernel<__nv_bfloat16><<<ctas_for(layer.tokens, 1), kThreads, 0, stream>>>(layer, arrays);
  }
  return cudaGetLastError();
}

cudaError_t reference_layer(const ExpertReference& reference, cudaStream_t stream) {
  const auto tokens = static_cast<unsigned>(reference.tokens);
  reference_inner_kernel<<<dim3(tokens * static_cast<unsigned>(reference.layer.top_k), 16), kThreads, 0, stream>>>(
      reference);
  reference_out_kernel<<<dim3(tokens, 16), kThreads, 0, stream>>>(reference);
  return cudaGetLastError();
}

}  // namespace sparsesim::measure
