#include "validate/measure/cpu/kernels/attention.h"

namespace sparsesim::measure {

const AttentionKernel& attention_kernel([[maybe_unused]] const CpuContext& context) {
#if defined(__x86_64__)
  if (context.avx512) return attention_kernel_avx512;
  if (context.avx2) return attention_kernel_avx2;
#endif
  return attention_kernel_generic;
}

}  // namespace sparsesim::measure
