#include "models/ops/dense/scaled_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/ops/chain.h"
#include "models/ops/dense/elementwise.h"

namespace sparsesim {
namespace {

constexpr double kScaleBytes = 4;       // FP32. Source: DeepSeek-V3, arXiv 2412.19437, section 3.3.2
constexpr double kGroupScaleBytes = 2;  // of a group of integers. Source: Marlin, arXiv 2408.11743

bool has_dense_kernel(const Substrate& substrate, const std::string& pattern, const std::string& operands) {
  return std::any_of(substrate.kernels.begin(), substrate.kernels.end(),
                     [&](const Kernel& kernel) { return kernel.op == "gemm" && takes(kernel, pattern, operands); });
}

constexpr const char* kQuantised = "dense_quantised";

/// Operands of the kernel that unpacks the weights: a byte of either kind costs the same instructions.
std::string unpacked_operands(const ScaledWeights& weights, const std::string& dtype) {
  return (weights.type == "int4" ? "int4x" : "int8x") + dtype;
}

}  // namespace

double ScaledWeights::bytes_per_weight() const {
  const auto side = static_cast<double>(block);
  if (weight_only()) return element_bytes(type) + (block > 0 ? kGroupScaleBytes / side : 0);
  return element_bytes(type) + (block > 0 ? kScaleBytes / (side * side) : 0);
}

double ScaledWeights::bytes_per_activation() const {
  return element_bytes(type) + (block > 0 ? kScaleBytes / static_cast<double>(block) : 0);
}

bool multiplies(const Substrate& substrate, const ScaledWeights& weights) {
  return !weights.weight_only() && substrate.compute.pipes.tensor.contains(weights.type) &&
         has_dense_kernel(substrate, "dense", weights.type);
}

GemmSize with_scaled_weights(GemmSize size, const ScaledWeights& weights, const Substrate& substrate) {
  if (!weights.any()) return size;
  if (multiplies(substrate, weights)) {
    size.dtype = weights.type;
  } else if (const std::string operands = unpacked_operands(weights, size.dtype);
             has_dense_kernel(substrate, kQuantised, operands)) {
    size.weights.pattern = kQuantised;
    size.weights.operands = operands;
    size.weights.unpacked_share = 1;
  }
  size.weights.bytes_share = weights.bytes_per_weight() / element_bytes(size.dtype);
  return size;
}

Launch lower_quantisation(std::int64_t elements, const std::string& dtype, const ScaledWeights& weights,
                          const Substrate& substrate) {
  require_at_most(static_cast<double>(elements), kElementsMost, "activations to quantise");
  ElementwiseSize pass;
  pass.name = "quantise";
  pass.elements = elements;
  pass.dtype = dtype;
  pass.writes = weights.bytes_per_activation() / element_bytes(dtype);
  pass.flops_per_element = 3;  // magnitude, maximum, product with the inverse scale
  return lower_elementwise(pass, substrate);
}

std::string why_unpacked(const ScaledWeights& weights, const std::string& dtype, const Substrate& substrate) {
  const std::string& type = weights.type;
  if (weights.weight_only()) {
    if (has_dense_kernel(substrate, kQuantised, unpacked_operands(weights, dtype))) return {};
    return fmt::format("weights in {} run in {}, unpacked at no cost: {} has no kernel for {} beside {}", type, dtype,
                       substrate.name, type, dtype);
  }
  if (multiplies(substrate, weights)) return {};
  const bool rate = substrate.compute.pipes.tensor.contains(type);
  return fmt::format("weights in {} run in {}, unpacked as they are read: {} has no {} for {}", type, dtype,
                     substrate.name, rate ? "kernel" : "matrix unit", type);
}

bool of_framework(const MeasuredOp& row) {
  static constexpr std::array<std::string_view, 3> kFrameworks = {"library:vllm", "library:sglang", "library:trtllm"};
  return std::any_of(kFrameworks.begin(), kFrameworks.end(),
                     [&](std::string_view name) { return row.kernel.starts_with(name); });
}

LayerTypes row_types(const MeasuredOp& row) {
  if (!of_framework(row) || row.dtype != "fp8") return {row.dtype, {}};
  return {"bf16", {.type = "fp8", .block = 0}};
}

ScaledWeights read_scaled_weights(config::MapReader& map, const std::string& dtype) {
  static constexpr std::array<std::string_view, 4> kTypes = {"same", "fp8", "int8", "int4"};
  ScaledWeights weights;
  const std::string type = map.choice("weights", kTypes, "same");
  if (type == "same") return weights;
  weights.type = type;
  weights.block = map.integer("scale_block", 0, 65536, 128);
  if (dtype != "bf16" && dtype != "fp16")
    map.mistake("weights", fmt::format("weights in {} go with activations in bf16 or fp16, not {}", type, dtype));
  return weights;
}

}  // namespace sparsesim
