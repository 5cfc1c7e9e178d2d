#include "validate/measure/cpu/kernels/eigen_csr.h"

namespace sparsesim::measure {

EigenCsr eigen_csr([[maybe_unused]] const CpuContext& context) {
#if defined(__x86_64__)
  if (context.avx512) return eigen_csr_avx512;
  if (context.avx2) return eigen_csr_avx2;
#endif
  return eigen_csr_generic;
}

}  // namespace sparsesim::measure
