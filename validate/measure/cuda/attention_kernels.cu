#include "validate/measure/cuda/attention_kernels.h"
#include "validate/measure/cuda/launch.cuh"
#include "validate/measure/cuda/mma.cuh"
#include "validate/measure/cuda/mma_layout.h"

namespace sparsesim::measure {
namespace {

constexpr int kAttentionThreads = 128, kWarps = kAttentionThreads / kWarp;
constexpr int kWarpQueries = kTileQueries / kWarps;  // 16: one mma tall
constexpr int kKeyColumns = kTileKeys / 8;           // mma results side by side
static_assert(kWarpQueries == 16);

/// Rows of a tile in shared memory are eight elements longer than they need to be: ldmatrix then meets every bank once.
template <int D>
constexpr int kRow = D + 8;
template <int D>
constexpr int kTileElements = kTileKeys* kRow<D>;
/// Two stages of keys and values.
template <int D>
constexpr int kSharedBytes = 4 * kTileElements<D> * 2;

/// Starts copying 64 rows from `first` on, `stride` elements apart, to shared memory; rows past `rows` become zeros.
template <class T, int D>
__device__ void copy_tile(T* tile, const T* from, std::int64_t stride, int first, int rows) {
  for (int turn = 0; turn < kTileKeys * D / 8 / kAttentionThreads; ++turn) {
    const Place at = chunk_place(static_cast<int>(threadIdx.x), kAttentionThreads, turn, D);
    const bool there = first + at.row < rows;
    const std::int64_t row = there ? first + at.row : 0;
    copy_async(tile + at.row * kRow<D> + at.column, from + row * stride + at.column, there);
  }
}

/// What one warp keeps of its 16 queries: two rows a lane, eight apart.
template <int D>
struct Running {
  float out[D / 8][4] = {};
  float most[2] = {-INFINITY, -INFINITY};
  float sum[2] = {0, 0};
};

/// scores = q k^T of 16 queries and the tile's keys.
template <class T, int D>
__device__ void score(float (&s)[kKeyColumns][4], const unsigned (&q)[D / 16][4], const T* keys, int lane) {
  const Place at = address_b_by_columns(lane);
#pragma unroll
  for (int d = 0; d < D / 16; ++d)
#pragma unroll
    for (int pair = 0; pair < kKeyColumns / 2; ++pair) {
      unsigned k[4];
      load_matrices(k, keys + (pair * 16 + at.row) * kRow<D> + d * 16 + at.column);
      multiply<T>(s[2 * pair], q[d], k[0], k[1]);
      multiply<T>(s[2 * pair + 1], q[d], k[2], k[3]);
    }
}

/// Scales scores to powers of two, masks them, and turns them into weights relative to the running maximum.
template <int D>
__device__ void weigh(float (&s)[kKeyColumns][4], Running<D>& r, float scale, bool masked, const ScoreMask& mask,
                      int first_query, int first_key, int lane) {
#pragma unroll
  for (int column = 0; column < kKeyColumns; ++column)
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const Place at = result_place(lane, i);
      s[column][i] *= scale;
      if (masked && !mask.sees(first_query + at.row, first_key + column * 8 + at.column)) s[column][i] = -INFINITY;
    }
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float most = r.most[half];
#pragma unroll
    for (int column = 0; column < kKeyColumns; ++column)
      most = fmaxf(most, fmaxf(s[column][2 * half], s[column][2 * half + 1]));
    most = fmaxf(most, __shfl_xor_sync(kAll, most, 1));  // the four lanes of a row
    most = fmaxf(most, __shfl_xor_sync(kAll, most, 2));
    const float reference = most == -INFINITY ? 0 : most;  // nothing seen yet: every weight is 2^-inf = 0
    const float shrink = exp2f(r.most[half] - reference);
    r.most[half] = most;
    float sum = 0;
#pragma unroll
    for (int column = 0; column < kKeyColumns; ++column)
#pragma unroll
      for (int i = 2 * half; i < 2 * half + 2; ++i) {
        s[column][i] = exp2f(s[column][i] - reference);
        sum += s[column][i];
      }
    r.sum[half] = r.sum[half] * shrink + sum;
#pragma unroll
    for (int d = 0; d < D / 8; ++d) {
      r.out[d][2 * half] *= shrink;
      r.out[d][2 * half + 1] *= shrink;
    }
  }
}

/// out += weights v.
template <class T, int D>
__device__ void add_values(Running<D>& r, const float (&s)[kKeyColumns][4], const T* values, int lane) {
  const Place at = address_b_by_rows(lane);
#pragma unroll
  for (int step = 0; step < kTileKeys / 16; ++step) {
    const unsigned a[4] = {pack<T>(s[2 * step][0], s[2 * step][1]), pack<T>(s[2 * step][2], s[2 * step][3]),
                           pack<T>(s[2 * step + 1][0], s[2 * step + 1][1]),
                           pack<T>(s[2 * step + 1][2], s[2 * step + 1][3])};
#pragma unroll
    for (int pair = 0; pair < D / 16; ++pair) {
      unsigned v[4];
      load_transposed(v, values + (step * 16 + at.row) * kRow<D> + pair * 16 + at.column);
      multiply<T>(r.out[2 * pair], a, v[0], v[1]);
      multiply<T>(r.out[2 * pair + 1], a, v[2], v[3]);
    }
  }
}

template <class T, int D>
__device__ void store(const AttentionCall& call, Running<D>& r, T* out, std::int64_t stride, int first_query,
                      int lane) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float sum = r.sum[half];
    sum += __shfl_xor_sync(kAll, sum, 1);
    sum += __shfl_xor_sync(kAll, sum, 2);
    const float share = sum > 0 ? 1 / sum : 0;
    const int query = first_query + result_place(lane, 2 * half).row;
    if (query >= call.seq) continue;
#pragma unroll
    for (int d = 0; d < D / 8; ++d) {
      const unsigned pair = pack<T>(r.out[d][2 * half] * share, r.out[d][2 * half + 1] * share);
      *reinterpret_cast<unsigned*>(out + query * stride + d * 8 + result_place(lane, 0).column) = pair;
    }
  }
}

// grid: query tiles (the last first: under a causal mask it has most keys), heads, batch.
template <class T, int D>
__global__ void __launch_bounds__(kAttentionThreads) attend_kernel(AttentionCall call) {
  extern __shared__ __align__(16) unsigned char shared[];
  T* const tiles =
      reinterpret_cast<T*>(shared);  // keys of stage 0, values of stage 0, keys of stage 1, values of stage 1
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
  const int tile = static_cast<int>(gridDim.x - 1 - blockIdx.x), head = static_cast<int>(blockIdx.y);
  const int kv_head = head / (call.heads / call.kv_heads);
  const std::int64_t q_stride = std::int64_t{call.heads} * D, kv_stride = std::int64_t{call.kv_heads} * D;
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.z) * call.seq;
  const T* const q = static_cast<const T*>(call.q) + first_row * q_stride + head * D;
  const T* const k = static_cast<const T*>(call.k) + first_row * kv_stride + kv_head * D;
  const T* const v = static_cast<const T*>(call.v) + first_row * kv_stride + kv_head * D;
  T* const out = static_cast<T*>(call.out) + first_row * q_stride + head * D;

  // Queries pass through the second stage into registers before keys are copied there.
  unsigned queries[D / 16][4];
  T* const passage = tiles + 2 * kTileElements<D>;
  copy_tile<T, D>(passage, q, q_stride, tile * kTileQueries, call.seq);
  commit_copies();
  const int begin = call.offsets[tile], end = call.offsets[tile + 1];
  const auto fetch = [&](int entry, int stage) {
    const int first = call.entries[entry] / 2 * kTileKeys;
    T* const to = tiles + 2 * stage * kTileElements<D>;
    copy_tile<T, D>(to, k, kv_stride, first, call.seq);
    copy_tile<T, D>(to + kTileElements<D>, v, kv_stride, first, call.seq);
  };
  if (begin < end) fetch(begin, 0);
  commit_copies();
  wait_copies<1>();  // the queries are here
  __syncthreads();
#pragma unroll
  for (int d = 0; d < D / 16; ++d)
    load_matrices(queries[d],
                  passage + (warp * kWarpQueries + address_a(lane).row) * kRow<D> + d * 16 + address_a(lane).column);
  __syncthreads();

  Running<D> running;
  const float scale = rsqrtf(static_cast<float>(D)) * 1.4426950408889634f;  // log2(e): weights are powers of two
  for (int entry = begin; entry < end; ++entry) {
    const int stage = (entry - begin) % 2;
    if (entry + 1 < end) fetch(entry + 1, 1 - stage);
    commit_copies();
    wait_copies<1>();  // all but the newest group: this entry's tile is here
    __syncthreads();
    const T* const keys = tiles + 2 * stage * kTileElements<D>;
    const int code = call.entries[entry];
    float scores[kKeyColumns][4] = {};
    score<T, D>(scores, queries, keys, lane);
    weigh<D>(scores, running, scale, code % 2 != 0, call.mask, tile * kTileQueries + warp * kWarpQueries,
             code / 2 * kTileKeys, lane);
    add_values<T, D>(running, scores, keys + kTileElements<D>, lane);
    __syncthreads();  // the stage is free to be filled again
  }
  store<T, D>(call, running, out, q_stride, tile * kTileQueries + warp * kWarpQueries, lane);
}

template <class T, int D>
cudaError_t launch(const AttentionCall& call, cudaStream_t stream) {
  const cudaError_t result =
      cudaFuncSetAttribute(attend_kernel<T, D>, cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes<D>);
  if (result != cudaSuccess) return result;
  const dim3 grid(static_cast<unsigned>((call.seq + kTileQueries - 1) / kTileQueries),
                  static_cast<unsigned>(call.heads), static_cast<unsigned>(call.batch));
  attend_kernel<T, D><<<grid, kAttentionThreads, kSharedBytes<D>, stream>>>(call);
  return cudaGetLastError();
}

}  // namespace

cudaError_t attend(const AttentionCall& call, cudaStream_t stream) {
  const bool half = call.type == Type::fp16;
  if (!half && call.type != Type::bf16) return cudaErrorInvalidValue;
  if (call.head_dim == 64) return half ? launch<__half, 64>(call, stream) : launch<__nv_bfloat16, 64>(call, stream);
  if (call.head_dim == 128) return half ? launch<__half, 128>(call, stream) : launch<__nv_bfloat16, 128>(call, stream);
  return cudaErrorInvalidValue;
}

}  // namespace sparsesim::measure
