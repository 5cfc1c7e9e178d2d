#include "validate/measure/cpu/kernels/experts.h"

namespace sparsesim::measure {

const ExpertKernels& expert_kernels([[maybe_unused]] const CpuContext& context) {
#if defined(__x86_64__)
  if (context.avx512) return expert_kernels_avx512;
  if (context.avx2) return expert_kernels_avx2;
#endif
  return expert_kernels_generic;
}

}  // namespace sparsesim::measure
