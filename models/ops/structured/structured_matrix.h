#pragma once
// Weights with a structure that needs fewer parameters than a dense matrix: low rank, butterfly, Monarch, circulant,
// Toeplitz.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// activations [m, k] times structured weights [k, n].
struct StructuredSize {
  std::int64_t m = 0, n = 0, k = 0;
  std::string dtype = "fp16";
  std::string accumulate = "fp32";
  std::string structure;             // a row of the table in structured_matrix.cpp
  std::int64_t rank = 0;             // low_rank: [k, rank] times [rank, n]
  std::int64_t blocks = 0;           // monarch: of either block-diagonal factor
  std::int64_t stages_per_pass = 1;  // butterfly: factors that one kernel applies before it writes
};

/// Numbers that the weights are made of.
double parameters(const StructuredSize& size);
/// Multiply-adds of the structured algorithm over m n k of the dense product (docs/models/structured_matrix.md).
double work_share(const StructuredSize& size);

class StructuredMatrix : public Op {
 public:
  explicit StructuredMatrix(StructuredSize size) : size_(std::move(size)) {}
  std::string_view kind() const override { return "structured_matrix"; }
  std::string_view pattern() const override { return size_.structure; }
  const StructuredSize& size() const { return size_; }
  /// Errors: UnsupportedError when the library has no kernel for the type.
  Program lower(const LowerContext& context) const override;
  /// The dense product of the same sizes.
  Program lower_dense(const LowerContext& context) const override;
  /// declared: 1 - work_share, 0 where the structure needs more work than the dense product.
  SparsitySummary sparsity(const LowerContext& context) const override;

 private:
  StructuredSize size_;
};

/// Keys: m, n, k, dtype, accumulate, structure; low_rank: rank; monarch: blocks; butterfly: stages_per_pass.
/// Mistakes: a key of another structure, blocks that do not divide n and k, butterfly and circulant weights that are
/// not square, a butterfly whose side is no power of two.
std::unique_ptr<Op> read_structured_matrix(config::MapReader& map);
/// Params: the keys above. Errors: UnsupportedError.
std::unique_ptr<Op> structured_matrix_from_row(const MeasuredOp& row);

}  // namespace sparsesim
