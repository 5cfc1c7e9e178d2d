// Included once by each eigen_csr_*.cpp, which names its function and renames Eigen: so that what one instruction set's
// file instantiates never stands in for another's.

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <Eigen/SparseCore>
#pragma GCC diagnostic pop

#include "validate/measure/cpu/kernels/eigen_csr.h"

namespace sparsesim::measure {

void EIGEN_CSR_FUNCTION(const BlockMatrix& w, const float* activations, float* results, std::int64_t m) {
  using Sparse = Eigen::SparseMatrix<float, Eigen::RowMajor, std::int32_t>;
  using Dense = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const Sparse> weights(w.rows, w.columns, w.start[w.rows], w.start, w.column, w.value);
  if (m == 1) {
    Eigen::Map<Eigen::VectorXf>(results, w.rows).noalias() =
        weights * Eigen::Map<const Eigen::VectorXf>(activations, w.columns);
  } else {
    Eigen::Map<Dense>(results, w.rows, m).noalias() = weights * Eigen::Map<const Dense>(activations, w.columns, m);
  }
}

}  // namespace sparsesim::measure
