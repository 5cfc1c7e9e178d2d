// Ops of a range of layers, and what decisions between ranges cost.

#include <fmt/format.h>

#include <algorithm>

#include "models/whole/dynamic.h"
#include "models/whole/layer_ops.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

constexpr double kSimilarityFlops = 6;  // per element of two hidden states: products, squares, sums
constexpr double kScoreFlops = 2;       // per element: a token's weight
constexpr double kConfidenceFlops = 3;  // per class: maximum, difference, comparison

bool decides(const std::vector<std::int64_t>& layers, const LayerRange& range) {
  return std::find(layers.begin(), layers.end(), range.first) != layers.end();
}

ModelOp once(const LayerOp& op) { return {op.name, 1, op.keys, {}}; }

/// Names of ranges where there are several.
std::vector<ModelOp> named_after(std::vector<ModelOp> ops, const Model& model, const LayerRange& range) {
  if (range.first == 0 && range.last == model.shape.layers - 1) return ops;
  for (ModelOp& op : ops)
    if (!op.name.starts_with("layers ") && !op.name.starts_with("layer "))
      op.name = fmt::format("layers {}-{}: {}", range.first, range.last, op.name);
  return ops;
}

}  // namespace

std::vector<ModelOp> range_token_ops(const Model& model, const LayerRange& range, std::int64_t tokens) {
  std::vector<ModelOp> ops;
  if (range.first == 0)
    for (const LayerOp& op : embedding_layer(model, tokens)) ops.push_back(once(op));
  for (ModelOp& op : named_after(merged_layers(model, {tokens, {}}, range.first, range.last), model, range))
    ops.push_back(std::move(op));
  return ops;
}

std::vector<ModelOp> range_attention_ops(const Model& model, const LayerRange& range, const AttentionCall& call) {
  return named_after(merged_layers(model, {0, {call}}, range.first, range.last), model, range);
}

std::vector<ModelOp> owed_ops(const Model& model, const LayerRange& range, std::int64_t tokens) {
  const ModelShape& shape = model.shape;
  const DeviceShare share(model);
  const std::int64_t columns =
      shape.latent ? shape.latent->kv_rank + shape.latent->rope_dim : 2 * share.kv_heads * shape.head_dim;
  const std::int64_t rows = ceil_div(tokens, share.groups);
  ModelOp op = once(product_op(shape, "exit.owed_keys", {rows, columns, shape.hidden}, nullptr));
  op.repeat = 0;
  for (const LayerClass& layers : layer_classes(model))
    op.repeat += layers.attention * std::count_if(layers.layers.begin(), layers.layers.end(), [&](std::int64_t layer) {
                   return layer >= range.first && layer <= range.last;
                 });
  if (op.repeat == 0) return {};
  return named_after({op}, model, range);
}

std::vector<ModelOp> decision_ops(const Model& model, const LayerRange& range, std::int64_t before,
                                  std::int64_t after) {
  const ModelShape& shape = model.shape;
  const std::int64_t groups = DeviceShare(model).groups, ran = ceil_div(before, groups), left = ceil_div(after, groups);
  std::vector<ModelOp> ops;
  const auto pass = [&](const char* name, std::int64_t elements, double reads, double writes, double flops) {
    ops.push_back(once(pass_op(name, std::max<std::int64_t>(1, elements), shape.dtype, reads, writes, flops)));
  };
  if (const auto& exit = model.dynamics.exit; exit && decides(exit->layers, range)) {
    if (exit->classes > 0) {
      ops.push_back(once(product_op(shape, "exit.classifier", {ran, exit->classes, shape.hidden}, nullptr)));
      pass("exit.confidence", ran * exit->classes, 1, 0, kConfidenceFlops);
    } else {
      pass("exit.similarity", ran * shape.hidden, 2, 0, kSimilarityFlops);
    }
    if (left > 0) pass("exit.pack", left * shape.hidden, 1, 1, 0);
  }
  if (const auto& tokens = model.dynamics.tokens; tokens && decides(tokens->layers, range)) {
    pass("tokens.score", ran * shape.hidden, 1, 0, kScoreFlops);
    if (left > 0) pass("tokens.pack", left * shape.hidden, 1, 1, 0);
  }
  return named_after(std::move(ops), model, range);
}

Model with_routes_of(const Model& model, std::uint64_t pass) {
  Model routed = model;
  const auto& routes = model.dynamics.routes;
  if (routes)
    routed.dynamics.route_step = static_cast<std::int64_t>(pass % static_cast<std::uint64_t>(routes->steps()));
  return routed;
}

Model with_needed_channels(const Model& model, double needed) {
  if (!model.dynamics.activation || needed >= 1) return model;
  Model sparse = model;
  RecipeRule rule;
  rule.modules = model.dynamics.activation->modules;
  rule.last = model.shape.layers - 1;
  rule.pattern = "activation";
  rule.sparsity = 1 - needed;
  rule.keys = ", overlap: 1";  // the share is that of the step, not of a row
  rule.place = model.dynamics.place;
  sparse.recipe.push_back(std::move(rule));
  return sparse;
}

}  // namespace sparsesim
