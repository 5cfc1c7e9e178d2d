#include "validate/measure/cpu/kernels/sparse.h"

namespace sparsesim::measure {

const SparseKernels& sparse_kernels([[maybe_unused]] const CpuContext& context) {
#if defined(__x86_64__)
  if (context.avx512) return sparse_kernels_avx512;
  if (context.avx2) return sparse_kernels_avx2;
#endif
  return sparse_kernels_generic;
}

}  // namespace sparsesim::measure
