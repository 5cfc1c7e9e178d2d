#if defined(__x86_64__)
#include "validate/measure/cpu/kernels/block_loops.h"
#include "validate/measure/cpu/kernels/two_of_four_loops.h"

namespace sparsesim::measure {

const SparseKernels sparse_kernels_avx512 = {"avx512",
                                             Avx512::panel_vectors* Avx512::lanes,
                                             Avx512::block_panel_vectors* Avx512::lanes,
                                             bring<Avx512>,
                                             csr<Avx512>,
                                             blocks<Avx512>,
                                             two_of_four<Avx512>};

}  // namespace sparsesim::measure
#endif
