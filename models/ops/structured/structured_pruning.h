#pragma once
// Structured pruning: whole outputs, inputs, heads or layers are removed, and what is left is dense at a smaller size.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// Copy of some columns of a matrix that lie scattered among others, by a list of their numbers.
struct ColumnGather {
  std::int64_t rows = 0;  // 0: nothing to copy
  std::int64_t columns = 0, kept = 0;
  std::string dtype;
};

/// [rows, columns] -> [rows, kept] by the library's streaming kernel (docs/models/structured_pruning.md).
///
/// A read moves whole fill granules: with granules of g elements, 1 - (1 - kept / columns)^g of them are touched.
/// Errors: UnsupportedError without a streaming kernel for the type.
Launch lower_column_gather(const ColumnGather& size, const Substrate& substrate, const Ideal& ideal);

/// What is left of an op, and what there was.
struct PrunedParts {
  std::string_view kind;  // row of the op table
  std::unique_ptr<Op> full, kept;
  std::int64_t layers = 1, kept_layers = 1;  // copies of either, one after the other
  double kept_share = 1;                     // of the multiply-adds of one layer
  ColumnGather gather;                       // before each kept layer
};

/// A dense op with whole parts of it removed. The dense twin is the op with all its parts.
class Pruned : public Op {
 public:
  explicit Pruned(PrunedParts parts) : parts_(std::move(parts)) {}
  std::string_view kind() const override { return parts_.kind; }
  std::string_view pattern() const override { return "structured"; }
  Program lower(const LowerContext& context) const override;
  Program lower_dense(const LowerContext& context) const override;
  /// aligned_dispatch: share of the removed multiply-adds that the matrix unit no longer executes, tiles being whole.
  SparsitySummary sparsity(const LowerContext& context) const override;

 private:
  PrunedParts parts_;
};

/// Keys: those of gemm for the dense layer; kept_outputs (n), kept_inputs (k), gather_inputs (false), layers (1),
/// kept_layers (layers). Mistakes: more kept than there are, a gather where every input is kept.
std::unique_ptr<Op> read_pruned_gemm(config::MapReader& map);
/// Keys: those of attention for the dense layer; kept_heads (heads), kept_kv_heads (as many groups as are left),
/// layers, kept_layers. Mistakes: as above, kept heads that are not a multiple of kept key heads.
std::unique_ptr<Op> read_pruned_attention(config::MapReader& map);
/// Params: the keys above. Errors: UnsupportedError.
std::unique_ptr<Op> pruned_gemm_from_row(const MeasuredOp& row);
std::unique_ptr<Op> pruned_attention_from_row(const MeasuredOp& row);

}  // namespace sparsesim
