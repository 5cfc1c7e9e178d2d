#if defined(__x86_64__)
#include "validate/measure/cpu/kernels/gather_loops.h"

namespace sparsesim::measure {

const GatherKernels gather_kernels_avx2 = {"avx2", gather<Avx2>, scan<Avx2>};

}  // namespace sparsesim::measure
#endif
