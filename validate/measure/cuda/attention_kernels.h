#pragma once
// Attention by tiles of 64 queries and 64 keys, with tiles that no query needs left out.

#include <cuda_runtime_api.h>

#include <cstdint>

#include "validate/measure/cuda/element_type.h"
#include "validate/measure/cuda/host_device.h"

namespace sparsesim::measure {

constexpr int kTileQueries = 64, kTileKeys = 64;

/// Sizes and operands of one call: q and out [batch, seq, heads, head_dim], k and v [batch, seq, kv_heads, head_dim].
struct AttentionCall {
  std::int32_t batch = 1, seq = 0, heads = 0, kv_heads = 0, head_dim = 0;
  Type type = Type::bf16;
  ScoreMask mask;                         // kept: on the device
  const std::int32_t* offsets = nullptr;  // the TileList, on the device
  const std::int32_t* entries = nullptr;
  const void *q = nullptr, *k = nullptr, *v = nullptr;
  void* out = nullptr;
};

/// Softmax attention, scores scaled by head_dim^-0.5; queries that see no key give zeros. head_dim 64 or 128, fp16 or
/// bf16. Returns cudaErrorInvalidValue for others.
cudaError_t attend(const AttentionCall& call, cudaStream_t stream);

/// Raises *worst to the largest error over its tolerance at samples (query, head, batch), against double precision:
/// rounding * (|wanted| + 2 * the typical size of a mean with these weights). samples [count, 3] and
/// scores [count, seq] are on the device.
cudaError_t compare_attention(const AttentionCall& call, const std::int32_t* samples, std::int32_t count, float* scores,
                              double rounding, float* worst, cudaStream_t stream);

}  // namespace sparsesim::measure
