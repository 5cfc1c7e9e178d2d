#if defined(__x86_64__)
#include "validate/measure/cpu/kernels/attention_loops.h"

namespace sparsesim::measure {

const AttentionKernel attention_kernel_avx512 = {"avx512", 2 * Avx512::lanes, Avx512::lanes, attend<Avx512>};

}  // namespace sparsesim::measure
#endif
