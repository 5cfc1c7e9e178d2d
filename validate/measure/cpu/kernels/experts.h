#pragma once
// What an expert layer does beside its products: routing and activation, fp32.

#include <cstdint>

#include "validate/measure/cpu/context.h"

namespace sparsesim::measure {

/// Most experts of a layer: a token's scores lie on the stack.
inline constexpr int kExpertsMost = 1024;

struct ExpertKernels {
  const char* instructions;
  /// For `tokens` rows of logits [tokens, experts]: the top_k experts with the largest ones, largest first, and their
  /// shares of the softmax over all experts: chosen and shares [tokens, top_k].
  void (*choose)(const float* logits, std::int64_t tokens, int experts, int top_k, std::int32_t* chosen, float* shares);
  /// to[rows, width] = silu(gate) * up of from[rows, 2 width], gate first; silu(x) = x / (1 + exp(-x)). Where not
  /// gated: max(0, x)^2 of from[rows, width].
  void (*activate)(const float* from, std::int64_t rows, std::int64_t width, bool gated, float* to);
};

extern const ExpertKernels expert_kernels_generic;
#if defined(__x86_64__)
extern const ExpertKernels expert_kernels_avx2, expert_kernels_avx512;
#endif

/// The widest that the processor has.
const ExpertKernels& expert_kernels(const CpuContext& context);

}  // namespace sparsesim::measure
