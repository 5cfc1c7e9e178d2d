// What a model takes in memory, device by device.

#include <fmt/format.h>

#include <algorithm>

#include "models/ops/weights/spmm_parts.h"
#include "models/ops/weights/stored_bytes.h"
#include "models/whole/layer_ops.h"
#include "models/whole/op_text.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

struct OpBytes {
  double values = 0, metadata = 0;
  OpBytes& operator+=(const OpBytes& other) {
    values += other.values;
    metadata += other.metadata;
    return *this;
  }
};

/// Weights of an op as it stores them. A sparse product is read from its own text, mask and all.
OpBytes weights_of(const LayerOp& op) {
  if (!op.sparse) return {op.values, 0};
  const auto read = read_op_text(op.keys, op.rule->place.file);
  StoredBytes most;  // of the fullest device
  const auto add = [&](const Spmm& spmm) {
    const StoredBytes stored = stored_bytes(spmm.size());
    if (stored.values + stored.metadata > most.values + most.metadata) most = stored;
  };
  if (const auto* spmm = dynamic_cast<const Spmm*>(read.get()))
    add(*spmm);
  else if (const auto* parts = dynamic_cast<const SpmmParts*>(read.get()))
    for (const Spmm& part : parts->parts()) add(part);
  else
    return {op.values, 0};
  return {most.values, most.metadata};
}

OpBytes sum_of(const std::vector<LayerOp>& ops) {
  OpBytes sum;
  for (const LayerOp& op : ops) sum += weights_of(op);
  return sum;
}

/// Bytes that a layer keeps of one token.
double kv_of_layer(const Model& model, const LayerClass& layers) {
  if (model.shape.kind == ModelKind::encoder || !layers.attention) return 0;
  const ModelShape& shape = model.shape;
  const double element = element_bytes(shape.kv_dtype.empty() ? shape.dtype : shape.kv_dtype);
  if (model.shape.latent)
    return static_cast<double>(model.shape.latent->kv_rank + model.shape.latent->rope_dim) * element;
  const DeviceShare share(model);
  const std::int64_t heads = kept_heads(share, layers.rule(Module::qkv)).kv_heads;
  return 2 * static_cast<double>(heads * model.shape.head_dim) * element;
}

/// Keys that a layer keeps of so many: those that a window hides are gone.
std::int64_t kept_keys(const ModelShape& shape, const RecipeRule* scores, std::int64_t keys) {
  const bool own = scores != nullptr && scores->pattern == "window";
  const std::int64_t window = own ? scores->window + scores->sinks : shape.window;
  return window > 0 ? std::min(window, keys) : keys;
}

}  // namespace

double kv_bytes(const Model& model, std::int64_t sequences, std::int64_t keys) {
  std::vector<double> of_stage(static_cast<std::size_t>(model.parallel.pipeline));
  const LayerStages stages(model);
  for (const LayerClass& layers : layer_classes(model)) {
    const auto kept = static_cast<double>(kept_keys(model.shape, layers.rule(Module::scores), keys));
    const double bytes = kv_of_layer(model, layers) * kept;
    for (const std::int64_t layer : layers.layers)
      if (stages.has(layer)) of_stage[stages.of(layer)] += bytes;
  }
  const double own = static_cast<double>(ceil_div(sequences, DeviceShare(model).groups));
  return own * *std::max_element(of_stage.begin(), of_stage.end());
}

PassMemory memory_of(const Model& model, const Pass& pass) {
  PassMemory memory;
  memory.bytes = bytes_of(model);
  memory.dense_weights = model.recipe.empty() ? memory.bytes.weights : bytes_of(unpruned(model)).weights;
  for (const AttentionCall& call : pass.calls)
    memory.kv += kv_bytes(model, ceil_div(call.batch, model.parallel.data), call.keys);
  return memory;
}

ModelBytes bytes_of(const Model& model) {
  const double norm = static_cast<double>(model.shape.hidden) * bytes_per_element(model.shape);
  const LayerStages stages(model);
  std::vector<OpBytes> of_stage(static_cast<std::size_t>(model.parallel.pipeline));
  std::vector<double> kv_of_stage(of_stage.size());
  for (const LayerClass& layers : layer_classes(model)) {
    OpBytes one = sum_of(layer_ops(model, layers, {1, {AttentionCall{}}}));
    one.values += (layers.attention + layers.network) * norm;  // each block has its own
    const double kv = kv_of_layer(model, layers);
    for (const std::int64_t layer : layers.layers) {
      if (!stages.has(layer)) continue;
      of_stage[stages.of(layer)] += one;
      kv_of_stage[stages.of(layer)] += kv;
    }
  }
  of_stage.front() += sum_of(embedding_layer(model, 1));
  of_stage.back() += sum_of(head_layer(model, 1));
  of_stage.back().values += norm;
  std::size_t fullest = 0;
  for (std::size_t i = 1; i < of_stage.size(); ++i)
    if (of_stage[i].values + of_stage[i].metadata > of_stage[fullest].values + of_stage[fullest].metadata) fullest = i;
  return {of_stage[fullest].values, of_stage[fullest].metadata,
          *std::max_element(kv_of_stage.begin(), kv_of_stage.end())};
}

}  // namespace sparsesim
