#pragma once
// Embedding bags: each bag sums some rows of a table, as recommendation models look up their features.

#include <memory>
#include <string_view>
#include <utility>

#include "models/ops/gathers/gather_rows.h"
#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// The dense twin makes the same sums without an index: the product of the bags' multi-hot matrix with each table, or
/// one scan of the tables that adds each row where it belongs, whichever is faster.
class EmbeddingBag : public Op {
 public:
  explicit EmbeddingBag(BagSize size) : size_(std::move(size)) {}
  std::string_view kind() const override { return "embedding_bag"; }
  std::string_view pattern() const override { return "gather"; }
  const BagSize& size() const { return size_; }
  /// Errors: UnsupportedError when the library has no kernel for the type.
  Program lower(const LowerContext& context) const override;
  Program lower_dense(const LowerContext& context) const override;
  /// declared: share of the tables' rows that no bag names, expected. aligned_cache: of those, on lines without a named
  /// row.
  SparsitySummary sparsity(const LowerContext& context) const override;
  double held_bytes(bool dense) const override;

 private:
  BagSize size_;
};

/// Keys: tables (1), rows, dim, dtype (fp16), weighted (false), index_bytes (8); bags, pooling and indices (uniform, or
/// zipf:EXPONENT), or instead of these trace (a file of lookups beside the workload).
std::unique_ptr<Op> read_embedding_bag(config::MapReader& map);
/// Params: the keys above; m, n and k of a row are bags, dim and rows, and its sparsity is 1 - pooling / rows.
/// Errors: UnsupportedError.
std::unique_ptr<Op> embedding_bag_from_row(const MeasuredOp& row);

}  // namespace sparsesim
