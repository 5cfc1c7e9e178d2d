#include "validate/measure/cpu/kernels/attention_loops.h"

namespace sparsesim::measure {

const AttentionKernel attention_kernel_generic = {"generic", 2 * Generic::lanes, Generic::lanes, attend<Generic>};

}  // namespace sparsesim::measure
