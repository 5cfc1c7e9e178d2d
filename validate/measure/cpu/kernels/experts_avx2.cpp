#if defined(__x86_64__)
#include "validate/measure/cpu/kernels/experts_loops.h"

namespace sparsesim::measure {

const ExpertKernels expert_kernels_avx2 = {"avx2", choose<Avx2>, activate<Avx2>};

}  // namespace sparsesim::measure
#endif
