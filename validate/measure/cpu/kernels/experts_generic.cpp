#include "validate/measure/cpu/kernels/experts_loops.h"

namespace sparsesim::measure {

const ExpertKernels expert_kernels_generic = {"generic", choose<Generic>, activate<Generic>};

}  // namespace sparsesim::measure
