#pragma once
// Weights of 8 bits with scales, beside activations of 16: how they are stored, and in which type they are multiplied.

#include <cstdint>
#include <string>

#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/measured_op.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// How weights are stored where that is not the type of the activations (docs/models/gemm.md).
struct ScaledWeights {
  std::string type;          // fp8; empty: that of the activations
  std::int64_t block = 128;  // side of a square of weights, and length of a run of activations, with one FP32 scale;
                             // 0: one scale for all

  bool any() const { return !type.empty(); }
  /// Bytes of a weight with its part of a scale: 1 + 4 / block^2. Activations: 1 + 4 / block.
  double bytes_per_weight() const;
  double bytes_per_activation() const;
};

/// Whether the machine multiplies the type: its matrix unit has a rate for it, and its library a dense kernel.
bool multiplies(const Substrate& substrate, const std::string& type);

/// The product as the machine runs it: in the type of the weights, or, where it multiplies no such type, in that of the
/// activations with weights that are unpacked as they are read.
GemmSize with_scaled_weights(GemmSize size, const ScaledWeights& weights, const Substrate& substrate);

/// The pass that makes activations of `dtype` into the weights' type before a product, a scale for each run of `block`.
/// Errors: UnsupportedError without a streaming kernel for the type.
Launch lower_quantisation(std::int64_t elements, const std::string& dtype, const ScaledWeights& weights,
                          const Substrate& substrate);

/// Why products with such weights do not run in the weights' type on a machine; empty where they do.
std::string why_unpacked(const std::string& type, const std::string& dtype, const Substrate& substrate);

/// Type of the activations of a measured row, and its weights. A layer that a serving framework runs in fp8
/// (`library:vllm...`, `sglang`, `trtllm`) takes and gives bf16: the call makes its activations fp8, one scale for all.
struct LayerTypes {
  std::string activations;
  ScaledWeights weights;
};
LayerTypes row_types(const MeasuredOp& row);

/// Keys: weights (same or fp8), scale_block (128). Mistakes: fp8 weights beside activations that have not 16 bits.
ScaledWeights read_scaled_weights(config::MapReader& map, const std::string& dtype);

}  // namespace sparsesim
