#pragma once
// Dense matrix product of a layer: activations [m, k] times weights [k, n].

#include <memory>

#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/dense/scaled_weights.h"
#include "models/ops/measured_op.h"
#include "models/ops/op.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// The launch that a library's choice of kernel makes of a matrix product (docs/models/gemm.md).
///
/// m, n, k  sizes, all >= 1; weights come cold from DRAM, results go back to it
/// Errors: UnsupportedError when the kernel library has no dense gemm for the type, TooLargeError beyond kTasksMost
/// tiles.
Launch lower_gemm(const GemmSize& size, const Substrate& substrate, const Ideal& ideal);
/// The same with sums in fp32.
Launch lower_gemm(std::int64_t m, std::int64_t n, std::int64_t k, const std::string& dtype, const Substrate& substrate,
                  const Ideal& ideal);

class Gemm : public Op {
 public:
  explicit Gemm(GemmSize size, ScaledWeights weights = {}) : size_(std::move(size)), weights_(std::move(weights)) {}
  std::string_view kind() const override { return "gemm"; }
  std::string_view pattern() const override { return "dense"; }
  const GemmSize& size() const { return size_; }
  const ScaledWeights& weights() const { return weights_; }
  Program lower(const LowerContext& context) const override;
  Program lower_dense(const LowerContext& context) const override { return lower(context); }
  SparsitySummary sparsity(const LowerContext&) const override { return {}; }
  double held_bytes(bool dense) const override;

 private:
  GemmSize size_;
  ScaledWeights weights_;
};

/// Keys: m, n, k (1..2^31), dtype (default bf16), accumulate (fp32 or fp16, default fp32), and those of
/// read_scaled_weights().
std::unique_ptr<Op> read_gemm(config::MapReader& map);
/// Params: accumulate as above, by default what libraries sum in unless told otherwise; layers_in_turn
/// (docs/measurements.md).
/// Errors: UnsupportedError for missing sizes, a pattern other than dense, an unknown accumulate or no such number.
std::unique_ptr<Op> gemm_from_row(const MeasuredOp& row);

}  // namespace sparsesim
