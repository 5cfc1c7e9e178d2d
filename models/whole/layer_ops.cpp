#include "models/whole/layer_ops.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "models/ops/dense/gemm_kernels.h"
#include "sim/config/reader.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

constexpr double kNormFlops = 5;        // per element: residual, square, sum, scale, gain
constexpr double kRopeFlops = 6;        // a rotation of two elements, halved
constexpr double kActivationFlops = 6;  // SiLU or GELU, and the product with the other half

std::int64_t left_of(std::int64_t all, double gone) {
  return std::max<std::int64_t>(1, std::llround((1 - gone) * static_cast<double>(all)));
}

/// Parts that so many devices make of a tensor's outputs; fewer than devices where several have the same.
std::int64_t shares_of(const PartTensor& tensor, std::int64_t devices) {
  return tensor.heads > 0 ? std::min(devices, tensor.heads) : devices;
}

std::string weights_keys(const ScaledWeights& weights) {
  return weights.any() ? fmt::format(", weights: {}, scale_block: {}", weights.type, weights.block) : "";
}

/// From `first` on: no weights of theirs are left.
void mark_removed(std::vector<LayerOp>& ops, std::size_t first) {
  for (std::size_t i = first; i < ops.size(); ++i) {
    ops[i].removed = true;
    ops[i].sparse = false;
    ops[i].values = 0;
  }
}

/// Everything of a layer that tokens alone decide.
class TokenOps {
 public:
  TokenOps(const Model& model, const LayerClass& layers, std::int64_t tokens, std::vector<LayerOp>& ops)
      : model_(model),
        shape_(model.shape),
        parallel_(model.parallel),
        layers_(layers),
        share_(model),
        replica_tokens_(tokens),
        tokens_(ceil_div(tokens, share_.groups)),
        ops_(ops) {}

  void before_attention() {
    norm("attention.norm");
    const RecipeRule* rule = layers_.rule(Module::qkv);
    if (shape_.latent) return latent_down(rule);
    const KeptHeads kept = kept_heads(share_, rule);
    const std::int64_t all = (share_.heads + 2 * share_.kv_heads) * shape_.head_dim;
    const std::int64_t left = (kept.heads + 2 * kept.kv_heads) * shape_.head_dim;
    product("attention.qkv", all, shape_.hidden, rule, {0, left, shape_.hidden});
    if (shape_.kind == ModelKind::decoder)
      rope(share_.heads + share_.kv_heads, kept.heads + kept.kv_heads, shape_.head_dim);
  }

  void after_attention() {
    const RecipeRule* rule = layers_.rule(Module::output);
    const std::int64_t width = shape_.latent ? shape_.latent->value_dim : shape_.head_dim;
    const KeptHeads kept = kept_heads(share_, rule);
    product("attention.output", shape_.hidden, share_.heads * width, rule, {0, shape_.hidden, kept.heads * width});
    const bool scattered = layers_.experts && parallel_.expert > 1;
    exchange("attention", scattered ? "reduce_scatter" : "all_reduce");
  }

  void feed_forward() {
    norm("mlp.norm");
    if (layers_.experts)
      experts();
    else
      network();
  }

 private:
  void norm(const char* name) {
    ops_.push_back(pass_op(name, tokens_ * shape_.hidden, shape_.dtype, 2, 2, kNormFlops));
  }
  void rope(std::int64_t heads, std::int64_t kept, std::int64_t width) {
    ops_.push_back(pruned_pass_op("attention.rope", tokens_ * heads * width, tokens_ * kept * width, shape_.dtype, 1, 1,
                                  kRopeFlops));
  }
  void product(const char* name, std::int64_t n, std::int64_t k, const RecipeRule* rule, ProductSize kept) {
    if (rule != nullptr && rule->masks.size() > 1) return masked_products(rule);
    ops_.push_back(layer_product_op(shape_, name, {tokens_, n, k}, rule, kept));
    if (rule != nullptr && rule->masks.size() == 1)
      ops_.back().keys += mask_part_keys(model_, modules_of(rule->modules.front()).front(), nullptr);
  }
  /// Tensors with masks of their own are products of their own.
  void masked_products(const RecipeRule* rule) {
    const Module part = modules_of(rule->modules.front()).front();
    const auto tensors = tensors_of(shape_, part);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      RecipeRule one = *rule;
      one.masks = {rule->masks[i]};
      const std::int64_t shares = shares_of(tensors[i], parallel_.tensor);
      const ProductSize size = {tokens_, ceil_div(tensors[i].outputs, shares), tensors[i].inputs};
      ops_.push_back(layer_product_op(shape_, std::string(tensors[i].name), size, &one, {}));
      ops_.back().keys += mask_part_keys(model_, part, &tensors[i]);
      ops_.back().rule = rule;
    }
  }
  void exchange(const char* part, const char* collective) {
    if (parallel_.tensor == 1) return;
    const double bytes = static_cast<double>(tokens_ * shape_.hidden) * bytes_per_element(shape_);
    ops_.push_back(exchange_op(fmt::format("{}.{}", part, collective), collective, bytes, parallel_.tensor));
  }

  // Every device makes the latent vectors of all tokens; their heads are divided.
  void latent_down(const RecipeRule* rule) {
    const ModelLatent& latent = *shape_.latent;
    const std::int64_t kept = latent.kv_rank + latent.rope_dim, width = latent.nope_dim + latent.rope_dim;
    if (rule != nullptr && rule->masks.size() > 1) {
      masked_products(rule);
      return rope(share_.heads + 1, share_.heads + 1, latent.rope_dim);
    }
    product("attention.qkv_down", latent.query_rank + kept, shape_.hidden, rule, {});
    const std::int64_t from = latent.query_rank > 0 ? latent.query_rank : shape_.hidden;
    product("attention.q_up", share_.heads * width, from, rule, {});
    rope(share_.heads + 1, share_.heads + 1, latent.rope_dim);
  }

  void network() {
    const RecipeRule *up = layers_.rule(Module::gate_up), *down = layers_.rule(Module::down);
    const std::int64_t inner = share_.intermediate, halves = shape_.gated ? 2 : 1;
    const std::int64_t up_left = kept_channels(share_, up), down_left = kept_channels(share_, down);
    product(shape_.gated ? "mlp.gate_up" : "mlp.up", halves * inner, shape_.hidden, up,
            {0, halves * up_left, shape_.hidden});
    ops_.push_back(pruned_pass_op("mlp.activation", tokens_ * inner, tokens_ * up_left, shape_.dtype,
                                  static_cast<double>(halves), 1, kActivationFlops));
    product("mlp.down", shape_.hidden, inner, down, {0, shape_.hidden, down_left});
    exchange("mlp", "all_reduce");
  }

  std::string routing() const {
    if (!model_.dynamics.routes || model_.dynamics.route_step < 0) return shape_.experts->routing;
    const auto counts =
        model_.dynamics.routes->counts(model_.dynamics.route_step, layers_.layers.front(), replica_tokens_);
    return fmt::format("counts:[{}]", fmt::join(counts, ", "));
  }

  void experts() {
    const ModelExperts& e = *shape_.experts;
    const bool spread = parallel_.expert > 1;
    const std::int64_t inner = spread ? e.intermediate : e.intermediate / parallel_.tensor;
    LayerOp op;
    op.name = model_.dynamics.routes ? fmt::format("layer {}: experts", layers_.layers.front()) : "experts";
    op.keys = fmt::format(
        "op: moe_ffn, tokens: {}, hidden: {}, intermediate: {}, experts: {}, top_k: {}, shared_experts: {}, gated: {}, "
        "dtype: {}, routing: {}, devices: {}",
        replica_tokens_, shape_.hidden, inner, e.count, e.top_k, e.shared, shape_.gated, shape_.dtype,
        config::yaml_text(routing()), spread ? parallel_.expert : 1);
    op.rule = layers_.rule(Module::experts);
    const std::int64_t left = kept_experts(model_, op.rule);
    if (left < e.count) op.keys += fmt::format(", kept_experts: {}", left);
    const double products = static_cast<double>((shape_.gated ? 3 : 2) * shape_.hidden * inner);
    const auto count = static_cast<double>((spread ? left / parallel_.expert : left) + e.shared);
    const auto router = static_cast<double>(shape_.hidden * left);
    const double stored = shape_.weights.any() ? shape_.weights.bytes_per_weight() : bytes_per_element(shape_);
    op.values = products * count * stored + router * bytes_per_element(shape_);
    op.keys += weights_keys(shape_.weights);
    ops_.push_back(std::move(op));
    exchange("experts", spread ? "all_gather" : "all_reduce");
  }

  const Model& model_;
  const ModelShape& shape_;
  const ModelParallel& parallel_;
  const LayerClass& layers_;
  const DeviceShare share_;
  const std::int64_t replica_tokens_, tokens_;
  std::vector<LayerOp>& ops_;
};

}  // namespace

DeviceShare::DeviceShare(const Model& model) {
  tensor = model.parallel.tensor;
  heads = model.shape.heads / tensor;
  kv_heads = std::max<std::int64_t>(1, model.shape.kv_heads / tensor);
  intermediate = model.shape.intermediate / tensor;
  vocabulary = ceil_div(model.shape.vocabulary, tensor);
  groups = std::max<std::int64_t>(1, model.parallel.expert / tensor);
}

double bytes_per_element(const ModelShape& shape) { return element_bytes(shape.dtype); }

KeptHeads kept_heads(const DeviceShare& share, const RecipeRule* rule) {
  if (rule == nullptr || rule->pattern != "heads") return {share.heads, share.kv_heads};
  const std::int64_t group = share.heads / share.kv_heads;
  if (rule->keep > 0) return {rule->keep / share.tensor, std::max<std::int64_t>(1, rule->keep / share.tensor / group)};
  if (share.kv_heads == 1) return {left_of(share.heads, rule->sparsity), 1};
  const std::int64_t groups = left_of(share.kv_heads, rule->sparsity);
  return {groups * group, groups};
}

std::int64_t kept_channels(const DeviceShare& share, const RecipeRule* rule) {
  if (rule == nullptr || rule->pattern != "channels") return share.intermediate;
  return rule->keep > 0 ? rule->keep / share.tensor : left_of(share.intermediate, rule->sparsity);
}

std::int64_t kept_experts(const Model& model, const RecipeRule* rule) {
  const std::int64_t all = model.shape.experts->count, devices = model.parallel.expert;
  if (rule == nullptr || rule->pattern != "experts") return all;
  return rule->keep > 0 ? rule->keep : devices * left_of(all / devices, rule->sparsity);
}

std::string mask_part_keys(const Model& model, Module part, const PartTensor* tensor) {
  const std::int64_t devices = model.parallel.tensor;
  if (devices == 1) return {};
  if (part == Module::output || part == Module::down)
    return fmt::format(", mask_parts: {}, mask_side: inputs", devices);
  std::vector<std::int64_t> segments, shares;
  for (const PartTensor& one : tensor ? std::vector<PartTensor>{*tensor} : tensors_of(model.shape, part)) {
    segments.push_back(one.outputs);
    shares.push_back(shares_of(one, devices));
  }
  return fmt::format(", mask_parts: {}, mask_segments: [{}], mask_shares: [{}]", devices, fmt::join(segments, ", "),
                     fmt::join(shares, ", "));
}

LayerOp pass_op(std::string name, std::int64_t elements, const std::string& dtype, double reads, double writes,
                double flops) {
  LayerOp op;
  op.name = std::move(name);
  op.keys = fmt::format("op: elementwise, elements: {}, dtype: {}, reads: {}, writes: {}, flops_per_element: {}",
                        elements, dtype, reads, writes, flops);
  return op;
}

LayerOp pruned_pass_op(std::string name, std::int64_t elements, std::int64_t kept, const std::string& dtype,
                       double reads, double writes, double flops) {
  LayerOp op = pass_op(std::move(name), elements, dtype, reads, writes, flops);
  if (kept < elements) op.keys += fmt::format(", kept_elements: {}", kept);
  return op;
}

LayerOp exchange_op(std::string name, const char* collective, double bytes, std::int64_t devices) {
  LayerOp op;
  op.name = std::move(name);
  op.keys = fmt::format("op: {}, bytes: {} B, devices: {}", collective, config::format_number(bytes), devices);
  return op;
}

LayerOp product_op(const ModelShape& shape, std::string name, const ProductSize& size, const RecipeRule* rule,
                   const ProductSize& kept) {
  LayerOp op;
  op.name = std::move(name);
  op.rule = rule;
  const std::string weights = shape.dtype.substr(0, shape.dtype.find('x'));  // the first of two operand types
  op.values = static_cast<double>(size.n) * static_cast<double>(size.k) * element_bytes(weights);
  const std::string sizes = fmt::format("m: {}, n: {}, k: {}, dtype: {}", size.m, size.n, size.k, shape.dtype);
  if (rule == nullptr) {
    op.keys = "op: gemm, " + sizes;
  } else if (rule->pattern == "channels" || rule->pattern == "heads") {
    op.values *= static_cast<double>(kept.n) / static_cast<double>(size.n) * static_cast<double>(kept.k) /
                 static_cast<double>(size.k);
    op.keys = fmt::format("op: pruned_gemm, {}, kept_outputs: {}, kept_inputs: {}", sizes, kept.n, kept.k);
  } else if (rule->pattern == "activation") {
    op.keys = fmt::format("op: activation_gemm, {}, sparsity: {}{}", sizes, config::format_number(rule->sparsity),
                          rule->keys);
  } else {
    op.sparse = true;
    op.keys = fmt::format("op: spmm, {}, pattern: {}", sizes, config::yaml_text(rule->pattern));
    if (rule->masks.size() == 1) op.keys += fmt::format(", mask: {}", config::yaml_text(rule->masks.front()));
    if (rule->masks.empty() && rule->sparsity > 0)
      op.keys += fmt::format(", sparsity: {}", config::format_number(rule->sparsity));
    op.keys += rule->keys;
  }
  return op;
}

LayerOp layer_product_op(const ModelShape& shape, std::string name, const ProductSize& size, const RecipeRule* rule,
                         const ProductSize& kept) {
  if (!shape.weights.any()) return product_op(shape, std::move(name), size, rule, kept);
  ModelShape stored = shape;
  const bool sparse = rule != nullptr && rule->pattern != "channels" && rule->pattern != "heads";
  if (sparse)  // sparse kernels take both operands in one type, or unpack integers to that of the activations
    stored.dtype = shape.weights.weight_only() ? shape.weights.type + "x" + shape.dtype : shape.weights.type;
  LayerOp op = product_op(stored, std::move(name), size, rule, kept);
  if (sparse) return op;
  op.values *= shape.weights.bytes_per_weight() / bytes_per_element(shape);
  op.keys += weights_keys(shape.weights);
  return op;
}

std::vector<LayerOp> layer_ops(const Model& model, const LayerClass& layers, const LayerWork& work) {
  std::vector<LayerOp> ops;
  TokenOps parts(model, layers, work.tokens, ops);
  if (work.tokens > 0) parts.before_attention();
  add_attention(model, layers, work.calls, ops);
  if (work.tokens > 0) parts.after_attention();
  if (!layers.attention) mark_removed(ops, 0);
  const std::size_t network = ops.size();
  if (work.tokens > 0) parts.feed_forward();
  if (!layers.network) mark_removed(ops, network);
  return ops;
}

std::vector<LayerOp> embedding_layer(const Model& model, std::int64_t tokens) {
  const ModelShape& shape = model.shape;
  const DeviceShare share(model);
  const std::int64_t own = ceil_div(tokens, share.groups);
  std::vector<LayerOp> ops = {pass_op("embedding", own * shape.hidden, shape.dtype, 1, 1, 0)};
  ops.back().values =
      static_cast<double>(ceil_div(shape.embeddings, model.parallel.tensor) * shape.hidden) * bytes_per_element(shape);
  if (model.parallel.tensor > 1)  // each device looks up the tokens of its part of the table
    ops.push_back(exchange_op("embedding.all_reduce", "all_reduce",
                              static_cast<double>(own * shape.hidden) * bytes_per_element(shape),
                              model.parallel.tensor));
  return ops;
}

std::vector<LayerOp> head_layer(const Model& model, std::int64_t sequences) {
  const ModelShape& shape = model.shape;
  const DeviceShare share(model);
  const std::int64_t own = ceil_div(sequences, share.groups);
  std::vector<LayerOp> ops = {pass_op("head.norm", own * shape.hidden, shape.dtype, 2, 1, kNormFlops)};
  if (shape.vocabulary == 0) return ops;
  const RecipeRule* rule = head_rule(model);
  ops.push_back(product_op(shape, "head", {own, share.vocabulary, shape.hidden}, rule));
  if (rule != nullptr && !rule->masks.empty()) ops.back().keys += mask_part_keys(model, Module::head, nullptr);
  if (shape.tied) ops.back().values = 0;
  if (model.parallel.tensor > 1)
    ops.push_back(exchange_op("head.all_gather", "all_gather",
                              static_cast<double>(own * shape.vocabulary) * bytes_per_element(shape),
                              model.parallel.tensor));
  return ops;
}

}  // namespace sparsesim
