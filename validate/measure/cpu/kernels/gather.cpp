#include "validate/measure/cpu/kernels/gather.h"

namespace sparsesim::measure {

const GatherKernels& gather_kernels([[maybe_unused]] const CpuContext& context) {
#if defined(__x86_64__)
  if (context.avx512) return gather_kernels_avx512;
  if (context.avx2) return gather_kernels_avx2;
#endif
  return gather_kernels_generic;
}

}  // namespace sparsesim::measure
