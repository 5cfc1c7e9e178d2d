#if defined(__x86_64__)
#include "validate/measure/cpu/kernels/gather_loops.h"

namespace sparsesim::measure {

const GatherKernels gather_kernels_avx512 = {"avx512", gather<Avx512>, scan<Avx512>};

}  // namespace sparsesim::measure
#endif
