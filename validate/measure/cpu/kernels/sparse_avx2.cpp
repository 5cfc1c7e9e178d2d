#if defined(__x86_64__)
#include "validate/measure/cpu/kernels/block_loops.h"
#include "validate/measure/cpu/kernels/two_of_four_loops.h"

namespace sparsesim::measure {

const SparseKernels sparse_kernels_avx2 = {"avx2",
                                           Avx2::panel_vectors* Avx2::lanes,
                                           Avx2::block_panel_vectors* Avx2::lanes,
                                           nullptr,
                                           csr<Avx2>,
                                           blocks<Avx2>,
                                           two_of_four<Avx2>};

}  // namespace sparsesim::measure
#endif
