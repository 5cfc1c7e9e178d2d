#if defined(__x86_64__)
#define Eigen Eigen_avx2
#define EIGEN_CSR_FUNCTION eigen_csr_avx2
#include "validate/measure/cpu/kernels/eigen_csr_loops.h"
#endif
