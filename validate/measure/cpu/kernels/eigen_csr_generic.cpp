#define Eigen Eigen_generic
#define EIGEN_CSR_FUNCTION eigen_csr_generic
#include "validate/measure/cpu/kernels/eigen_csr_loops.h"
