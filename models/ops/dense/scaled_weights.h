#pragma once
// Weights of 8 or 4 bits with scales, beside activations of 16: how they are stored, and in which type they are
// multiplied.

#include <cstdint>
#include <string>

#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/measured_op.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// How weights are stored where that is not the type of the activations (docs/models/gemm.md).
struct ScaledWeights {
  std::string type;          // fp8, int8 or int4; empty: that of the activations
  std::int64_t block = 128;  // fp8: side of a square of weights, and length of a run of activations, with one FP32
                             // scale; integers: weights of one output with one scale of 16 bits; 0: one scale for all

  bool any() const { return !type.empty(); }
  /// Integers are weights alone: products run in the type of the activations, whatever the machine multiplies.
  bool weight_only() const { return type == "int8" || type == "int4"; }
  /// Bytes of a weight with its part of a scale: fp8 1 + 4 / block^2, integers bits / 8 + 2 / block. Activations of
  /// fp8: 1 + 4 / block.
  double bytes_per_weight() const;
  double bytes_per_activation() const;
};

/// Whether products run in the type of the weights: the machine's matrix unit has a rate for it, its library a dense
/// kernel, and the activations are brought to it.
bool multiplies(const Substrate& substrate, const ScaledWeights& weights);

/// The product as the machine runs it: in the type of the weights, or, where it multiplies no such type, in that of the
/// activations with weights that are unpacked as they are read.
GemmSize with_scaled_weights(GemmSize size, const ScaledWeights& weights, const Substrate& substrate);

/// The pass that makes activations of `dtype` into the weights' type before a product, a scale for each run of `block`.
/// Errors: UnsupportedError without a streaming kernel for the type.
Launch lower_quantisation(std::int64_t elements, const std::string& dtype, const ScaledWeights& weights,
                          const Substrate& substrate);

/// What a machine lacks for products with such weights, and what runs instead; empty where it lacks nothing.
std::string why_unpacked(const ScaledWeights& weights, const std::string& dtype, const Substrate& substrate);

/// Whether a layer of a serving framework was measured (`library:vllm...`, `sglang`, `trtllm`), not a bare product.
bool of_framework(const MeasuredOp& row);

/// Type of the activations of a measured row, and its weights. A layer that a serving framework runs in fp8
/// takes and gives bf16: the call makes its activations fp8, one scale for all.
struct LayerTypes {
  std::string activations;
  ScaledWeights weights;
};
LayerTypes row_types(const MeasuredOp& row);

/// Keys: weights (same, fp8, int8 or int4), scale_block (128). Mistakes: such weights beside activations that have not
/// 16 bits.
ScaledWeights read_scaled_weights(config::MapReader& map, const std::string& dtype);

}  // namespace sparsesim
