#if defined(__x86_64__)
#include "validate/measure/cpu/kernels/experts_loops.h"

namespace sparsesim::measure {

const ExpertKernels expert_kernels_avx512 = {"avx512", choose<Avx512>, activate<Avx512>};

}  // namespace sparsesim::measure
#endif
