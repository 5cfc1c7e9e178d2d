#include "validate/measure/cpu/kernels/block_loops.h"
#include "validate/measure/cpu/kernels/two_of_four_loops.h"

namespace sparsesim::measure {

const SparseKernels sparse_kernels_generic = {"generic",
                                              Generic::panel_vectors* Generic::lanes,
                                              Generic::block_panel_vectors* Generic::lanes,
                                              nullptr,
                                              csr<Generic>,
                                              blocks<Generic>,
                                              two_of_four<Generic>};

}  // namespace sparsesim::measure
