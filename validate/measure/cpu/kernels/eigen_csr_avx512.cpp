#if defined(__x86_64__)
#define Eigen Eigen_avx512
#define EIGEN_CSR_FUNCTION eigen_csr_avx512
#include "validate/measure/cpu/kernels/eigen_csr_loops.h"
#endif
