#pragma once
// Product of two sparse matrices: A [m, k] times B [k, n], both with few stored numbers (docs/models/spgemm.md).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "models/ops/products/spgemm_operands.h"
#include "sim/config/reader.h"

namespace sparsesim {

class Spgemm : public Op {
 public:
  explicit Spgemm(SpgemmSize size);
  std::string_view kind() const override { return "spgemm"; }
  std::string_view pattern() const override { return "sparse_product"; }
  const SpgemmSize& size() const { return size_; }
  /// Errors: UnsupportedError without a kernel for the type; TooLargeError beyond kPartialProductsMost.
  Program lower(const LowerContext& context) const override;
  /// The dense product of the same sizes, in slabs of rows where it has too many tiles for one launch.
  Program lower_dense(const LowerContext& context) const override;
  /// declared: share of the m n k multiplications without two stored numbers. Facts: stored numbers of A, of B and of
  /// the result, partial products, and how many of them a result sums.
  SparsitySummary sparsity(const LowerContext& context) const override;

 private:
  SpgemmSize size_;
  std::shared_ptr<SpgemmOperandsMemo> operands_;  // drawn once per seed
};

/// Keys: m, n, k, dtype (fp32), squared (false: B is drawn apart; true: B is A), law (uniform) with its parameters,
/// sparsity, b_sparsity (sparsity), mask and b_mask (files beside the workload), kernel.
std::unique_ptr<Op> read_spgemm(config::MapReader& map);
/// Params: the keys above but for masks; m, n, k of the row, its sparsity for both operands.
/// Errors: UnsupportedError.
std::unique_ptr<Op> spgemm_from_row(const MeasuredOp& row);

}  // namespace sparsesim
