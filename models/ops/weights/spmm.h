#pragma once
// Matrix product with sparse weights: activations [m, k] times weights [k, n], most of the weights zero.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/compute/launch_memo.h"
#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "models/ops/weights/spmm_formats.h"
#include "models/sparsity/row_counts.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// Sizes and pattern of a product. The sparse operand has n rows (outputs) and k columns.
struct SpmmSize {
  std::int64_t m = 0, n = 0, k = 0;
  std::string dtype = "fp16";
  std::string accumulate = "fp32";
  std::string pattern;             // a row of sparse_kinds(), or N:M
  std::string format;              // of that row; empty: the one of the fastest kernel
  double sparsity = 0;             // share of zeros, 0..1
  double activation_sparsity = 0;  // the same of the activations, which arrays alone skip (docs/models/arrays.md)
  std::int64_t block_n = 1;        // rows and columns of a stored unit
  std::int64_t block_k = 1;
  int n_kept = 2;  // N:M patterns: of n_of columns, those with a stored weight
  int n_of = 4;
  bool equal_rows = false;       // every row stores the same number of units
  RowCounts mask;                // of a named mask; empty: random
  RowCounts drawn;               // rows drawn already, where several kernels are tried; empty: not yet
  std::string kernel;            // kernels whose names begin so; empty: the fastest
  std::string quality;           // of the kernels: naive, library or tuned; empty: the best there is
  std::string setup = "none";    // what a framework's call shows beside the kernel: none, cached or per_call
  bool transposed = false;       // the weights are stored as [k, n]: the product by the transpose of what is stored
  int index_bits = 0;            // of a coordinate of a stored unit: 8, 16 or 32; 0: the kernel's own
  std::string measured_quality;  // of the kernel that a measured row names
  bool timed_call = false;       // timed as the kernel's publication did, host included; false: in a graph of calls

  /// Stored units per row of units (outputs) or per column of units (inputs), from the mask or drawn.
  /// Errors: UnsupportedError for a mask asked for the other side than the one it counts.
  RowCounts row_counts(std::uint64_t seed) const;
  RowCounts column_counts(std::uint64_t seed) const;
  /// A mask counts the rows of the stored weights, of CSC their columns: whether those are inputs of the product.
  bool mask_counts_inputs() const { return (format == "csc") != transposed; }
};

class Spmm : public Op {
 public:
  /// `memo` remembers the plays by which the fastest of several kernels is found; it outlives the op.
  explicit Spmm(SpmmSize size, LaunchMemo* memo = nullptr) : size_(std::move(size)), memo_(memo) {}
  std::string_view kind() const override { return "spmm"; }
  std::string_view pattern() const override { return size_.pattern; }
  const SpmmSize& size() const { return size_; }
  /// Errors: UnsupportedError when the library has no kernel for the pattern, block and type.
  Program lower(const LowerContext& context) const override;
  /// The dense product of the same sizes by the best dense kernel.
  Program lower_dense(const LowerContext& context) const override;
  SparsitySummary sparsity(const LowerContext& context) const override;
  double held_bytes(bool dense) const override;

 private:
  SpmmSize size_;
  LaunchMemo* memo_ = nullptr;
};

/// Keys: m, n, k, dtype, accumulate, activation_sparsity, pattern, transposed, format, kernel, quality, setup,
/// timed_call; vnm: v, columns; unstructured, vector and block: sparsity or mask (a file beside the workload; where
/// devices share it, with the keys of read_mask_parts(), and the op is a SpmmParts),
/// equal_rows, index_bits, and block ([rows, columns] of the stored weights) where units are larger than one weight.
std::unique_ptr<Op> read_spmm(config::MapReader& map);
/// Params: block, mask, format, accumulate, nm, v. Errors: UnsupportedError for missing sizes, unknown patterns and
/// masks that are not at hand.
std::unique_ptr<Op> spmm_from_row(const MeasuredOp& row);

}  // namespace sparsesim
