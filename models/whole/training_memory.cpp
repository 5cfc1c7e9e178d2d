// What a training step keeps in memory, device by device.

#include <algorithm>

#include "models/ops/dense/gemm_kernels.h"
#include "models/whole/layer_ops.h"
#include "models/whole/training_step.h"
#include "models/whole/training_weights.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

void add_weights(StageWeights& sum, const std::vector<LayerOp>& ops, double element) {
  for (const LayerOp& op : ops) {
    (op.name == "experts" ? sum.experts : sum.shared) += op.values / element;
    if (op.sparse) sum.sparse += op.values / element;
  }
}

/// Bytes that one token leaves in a layer for its backward pass, in 16-bit elements; dropout masks of one byte where a
/// model has them. With an inner size of 4 h, no gate and as many key heads as heads: 10 h on every device, and 24 h
/// divided among those that split products.
double activation_bytes(const Model& model, bool experts) {
  const ModelShape& shape = model.shape;
  const DeviceShare share(model);
  const double element = element_bytes(shape.dtype), h = static_cast<double>(shape.hidden);
  const double masks = shape.gated ? 0 : 2 * h;  // after attention and network; gated models have no dropout
  const double inputs = 4 * h * element;         // of both norms, of both parts
  const double width = static_cast<double>(shape.latent ? shape.latent->value_dim : shape.head_dim);
  const double heads =
      static_cast<double>(2 * share.heads + 2 * share.kv_heads) * width;  // queries, results; keys, values
  const double halves = shape.gated ? 3 : 2;
  double inner = halves * static_cast<double>(share.intermediate);
  if (experts) {
    const ModelExperts& e = *shape.experts;
    const double own = static_cast<double>(e.intermediate) /
                       (model.parallel.expert > 1 ? 1.0 : static_cast<double>(model.parallel.tensor));
    inner = static_cast<double>(e.top_k + e.shared) * halves * own + static_cast<double>(e.top_k) * h;
  }
  return inputs + masks + (heads + inner) * element;
}

double activations_of(const Model& model, const TrainingStep& step) {
  const ModelShape& shape = model.shape;
  const DeviceShare share(model);
  const double tokens =
      static_cast<double>(ceil_div(step.micro_batch(model.parallel), share.groups)) * static_cast<double>(step.seq);
  const double element = element_bytes(shape.dtype), input = static_cast<double>(shape.hidden) * element;
  const std::int64_t stages = model.parallel.pipeline;
  const LayerStages places(model);
  const auto in_flight = static_cast<double>(std::min(stages, step.micro_batches));
  double kept = 0, working = 0;  // of one token and micro batch, on the first stage
  for (std::int64_t layer = 0; layer < shape.layers && places.of(layer) == 0; ++layer) {
    const double all = activation_bytes(model, has_experts(shape, layer));
    kept += step.recompute == Recompute::full ? input : all;
    if (step.recompute == Recompute::full) working = std::max(working, all);
  }
  double behind = 0;  // input of the last norm and of the head, scores of all words in FP32
  if (stages == 1) behind = 2 * input + 4.0 * static_cast<double>(share.vocabulary);
  return tokens * (in_flight * kept + working + behind);
}

}  // namespace

StageWeights stage_weights(const Model& model) {
  const LayerStages stages(model);
  const double element = bytes_per_element(model.shape), norm = static_cast<double>(model.shape.hidden);
  std::vector<StageWeights> of_stage(static_cast<std::size_t>(model.parallel.pipeline));
  for (const LayerClass& layers : layer_classes(model)) {
    StageWeights one;
    add_weights(one, layer_ops(model, layers, {1, {AttentionCall{}}}), element);
    one.shared += 2 * norm;
    for (const std::int64_t layer : layers.layers) {
      StageWeights& sum = of_stage[stages.of(layer)];
      sum.shared += one.shared;
      sum.experts += one.experts;
      sum.sparse += one.sparse;
    }
  }
  add_weights(of_stage.front(), embedding_layer(model, 1), element);
  add_weights(of_stage.back(), head_layer(model, 1), element);
  of_stage.back().shared += norm;
  return *std::max_element(of_stage.begin(), of_stage.end(), [](const StageWeights& a, const StageWeights& b) {
    return a.shared + a.experts < b.shared + b.experts;
  });
}

double model_flops(const Model& model, const TrainingStep& step) {
  const ModelShape& shape = model.shape;
  const Model whole{shape, {}, {}};
  const StageWeights all = stage_weights(whole);
  const auto hidden = static_cast<double>(shape.hidden), seq = static_cast<double>(step.seq);
  double active = all.shared - static_cast<double>(shape.embeddings) * hidden;
  if (shape.tied) active += static_cast<double>(shape.vocabulary) * hidden;  // one table, and a product with it
  if (shape.experts) {
    const ModelExperts& e = *shape.experts;
    active += all.experts * static_cast<double>(e.top_k + e.shared) / static_cast<double>(e.count + e.shared);
  }
  const double width = static_cast<double>(shape.heads * (shape.latent ? shape.latent->value_dim : shape.head_dim));
  const double scores = static_cast<double>(shape.layers) * width * seq * (shape.kind == ModelKind::decoder ? 6 : 12);
  return static_cast<double>(step.batch) * seq * (6 * active + scores);
}

PassMemory memory_of(const Model& model, const TrainingStep& step) {
  const StageWeights weights = stage_weights(model);
  const double element = bytes_per_element(model.shape);
  const auto replicas = static_cast<double>(model.parallel.data);
  const double sharers = replicas * static_cast<double>(DeviceShare(model).groups);
  const auto share = [&](std::int64_t from) {
    return step.zero >= from ? weights.shared / sharers + weights.experts / replicas : weights.shared + weights.experts;
  };
  const double state = step.optimizer == Optimizer::adam ? 12 : step.optimizer == Optimizer::sgd ? 8 : 0;
  PassMemory memory;
  memory.dense_weights = memory.bytes.weights = share(3) * element;
  memory.gradients = share(2) * std::max(element, element_bytes(step.reduce_dtype));
  memory.optimizer = share(1) * state;
  memory.activations = activations_of(model, step);
  if (weights.sparse > 0) {  // packed copies stand beside the weights that the optimizer writes
    const ModelBytes stored = bytes_of(model);
    const double others = (weights.shared + weights.experts - weights.sparse) * element;
    memory.bytes.metadata = (step.transposable ? 2 : 1) * std::max(0.0, stored.weights + stored.metadata - others);
  }
  return memory;
}

}  // namespace sparsesim
