#if defined(__x86_64__)
#include "validate/measure/cpu/kernels/attention_loops.h"

namespace sparsesim::measure {

const AttentionKernel attention_kernel_avx2 = {"avx2", 2 * Avx2::lanes, Avx2::lanes, attend<Avx2>};

}  // namespace sparsesim::measure
#endif
