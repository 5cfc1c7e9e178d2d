#include "models/serving/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/serving/kv_blocks.h"
#include "sim/config/reader.h"

namespace sparsesim {
namespace {

double element_bytes(const std::string& dtype) { return dtype == "fp32" ? 4 : 2; }

double activation_bytes(const Model& model, const ServingSpec& spec) {
  const ModelShape& shape = model.shape;
  const auto tensor = static_cast<double>(model.parallel.tensor);
  const double gates = shape.gated ? 2 : 1;
  double widest = static_cast<double>((shape.heads + 2 * shape.kv_heads) * shape.head_dim);
  widest = std::max(widest, gates * static_cast<double>(shape.intermediate));
  if (shape.experts) {
    const ModelExperts& e = *shape.experts;
    widest = std::max(widest, gates * static_cast<double>((e.top_k + e.shared) * e.intermediate));
  }
  const double token = (2 * static_cast<double>(shape.hidden) + widest / tensor) * element_bytes(shape.dtype);
  constexpr double kLogitBytes = 4;
  return static_cast<double>(spec.max_batched_tokens) * token +
         static_cast<double>(spec.max_sequences) * static_cast<double>(shape.vocabulary) / tensor * kLogitBytes;
}

std::string gigabytes(double bytes) { return fmt::format("{:.1f} GB", bytes * 1e-9); }

}  // namespace

MemoryPlan plan_memory(const Model& model, const ServingSpec& spec, const Substrate& substrate) {
  const ModelBytes bytes = bytes_of(model);
  MemoryPlan plan;
  plan.capacity = substrate.memory.dram_bytes;
  plan.granted = plan.capacity * spec.memory_share;
  plan.weights = bytes.weights;
  plan.metadata = bytes.metadata;
  plan.activations = activation_bytes(model, spec);
  plan.reserved = spec.reserved_bytes;
  plan.kv_per_token = bytes.kv_per_token;
  plan.block_bytes = bytes.kv_per_token * static_cast<double>(spec.block);
  plan.groups = std::max<std::int64_t>(1, model.parallel.expert / model.parallel.tensor);
  if (plan.left() > 0) plan.blocks = plan.groups * static_cast<std::int64_t>(plan.left() / plan.block_bytes);
  return plan;
}

std::int64_t blocks_of_request(const ServingSpec& spec, const ModelShape& shape, std::int64_t tokens) {
  return most_blocks_held(tokens, spec.max_batched_tokens, spec.block, shape.window);
}

std::string misfit(const MemoryPlan& plan, std::int64_t request_blocks) {
  if (request_blocks <= plan.blocks) return {};
  const double wanted = plan.kv_bytes(request_blocks);
  return fmt::format(
      "does not fit: {} of weights, {} of metadata, {} of activations, {} reserved and {} for the keys and values of "
      "the longest request, but {} of {} on each device: {} are missing",
      gigabytes(plan.weights), gigabytes(plan.metadata), gigabytes(plan.activations), gigabytes(plan.reserved),
      gigabytes(wanted), gigabytes(plan.granted), gigabytes(plan.capacity), gigabytes(wanted - plan.left()));
}

}  // namespace sparsesim
