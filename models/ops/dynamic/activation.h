#pragma once
// Matrix product whose activations are mostly zero: rows of the weights that no activation asks for are not read.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// How zeros come about, and with them who finds out which channels are needed.
enum class ActivationSource {
  relu,       // the layer before wrote zeros: the product's kernel sees them
  threshold,  // the product's kernel compares with a threshold
  top_k,      // a selection pass finds the largest of each row first
  predicted,  // a small network before the layer says which will be zero
};

/// activations [m, k], a share of each row zero, times weights [k, n]; a channel's n weights lie contiguously.
struct ActivationSize {
  std::int64_t m = 0, n = 0, k = 0;
  std::string dtype = "fp16";
  double sparsity = 0;  // share of zeros in each row, 0..1
  ActivationSource source = ActivationSource::threshold;
  double overlap = 0;  // correlation of a channel's state between two rows of the batch, 0..1
  std::int64_t predictor_rank = 0, predictor_inputs = 0;  // of source predicted: inputs -> rank -> k
  std::string kernel;                                     // kernels whose names begin so; empty: any

  /// Share of channels that at least one of the m rows needs: a channel's state is common to all rows with probability
  /// `overlap`, else drawn per row.
  ///
  /// 1 - (overlap * s + (1 - overlap) * s^m), s the sparsity
  double union_share() const;
  /// Needed channels of each block of `block`, [ceil(k / block)], drawn from the seed. With top_k their sum is fixed.
  /// Errors: TooLargeError beyond 2^24 channels.
  std::vector<std::int64_t> needed_per_block(std::int64_t block, std::uint64_t seed) const;
};

class ActivationGemm : public Op {
 public:
  explicit ActivationGemm(ActivationSize size) : size_(std::move(size)) {}
  std::string_view kind() const override { return "activation_gemm"; }
  std::string_view pattern() const override { return "activation"; }
  const ActivationSize& size() const { return size_; }
  /// Errors: UnsupportedError when the library has no kernel for the type and the rows.
  Program lower(const LowerContext& context) const override;
  /// The product with every channel, by the best dense kernel.
  Program lower_dense(const LowerContext& context) const override;
  SparsitySummary sparsity(const LowerContext& context) const override;

 private:
  ActivationSize size_;
};

/// The masked vector kernel of the library that suits the product best: its tasks own `tile_k` channels and `tile_n`
/// outputs, read the weights of needed channels and add their sums to the outputs (docs/models/activation.md).
/// Errors: UnsupportedError when there is none for the type and so many rows; TooLargeError beyond kTasksMost tasks.
Launch lower_masked_product(const ActivationSize& size, const LowerContext& context);
/// Whether the library has a masked kernel for the type and so many rows.
bool has_masked_kernel(const ActivationSize& size, const Substrate& substrate);

/// Keys: m, n, k, dtype, sparsity, source, overlap, kernel; source predicted: predictor_rank, predictor_inputs (n).
std::unique_ptr<Op> read_activation(config::MapReader& map);
/// Params source, overlap, predictor_rank, predictor_inputs. Errors: UnsupportedError for missing sizes or sparsity.
std::unique_ptr<Op> activation_from_row(const MeasuredOp& row);

}  // namespace sparsesim
