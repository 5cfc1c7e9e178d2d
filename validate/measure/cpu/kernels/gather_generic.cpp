#include "validate/measure/cpu/kernels/gather_loops.h"

namespace sparsesim::measure {

const GatherKernels gather_kernels_generic = {"generic", gather<Generic>, scan<Generic>};

}  // namespace sparsesim::measure
