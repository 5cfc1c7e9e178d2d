// Attention of a layer: dense, under a window, with heads removed, or over latent vectors.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/whole/layer_ops.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

struct CallShape {
  std::int64_t heads = 1, kv_heads = 1, head_dim = 1;
};

std::string call_sizes(const ModelShape& shape, const AttentionCall& call, const CallShape& heads) {
  return fmt::format("batch: {}, queries: {}, keys: {}, heads: {}, kv_heads: {}, head_dim: {}, dtype: {}, causal: {}{}",
                     call.batch, call.queries, call.keys, heads.heads, heads.kv_heads, heads.head_dim, shape.dtype,
                     shape.kind == ModelKind::decoder, shape.kv_dtype.empty() ? "" : ", kv_dtype: " + shape.kv_dtype);
}

/// Latent vectors are expanded to keys and values of all heads where queries are many; a single query meets the
/// vectors themselves. Attention here has one width for queries, keys and values: the mean of both keeps bytes and
/// multiply-adds of the expanded form; for the latent one the width keeps the bytes, and the number of heads the
/// multiply-adds (docs/whole_models.md).
CallShape latent_heads(const ModelLatent& latent, std::int64_t heads, bool absorbed) {
  if (!absorbed) return {heads, heads, ceil_div(latent.nope_dim + latent.rope_dim + latent.value_dim, 2)};
  const std::int64_t width = latent.kv_rank + latent.rope_dim;
  const double work = static_cast<double>(width + latent.kv_rank) / static_cast<double>(width);
  return {std::llround(static_cast<double>(heads) * work), 1, ceil_div(width, 2)};
}

std::string window_keys(const ModelShape& shape, const RecipeRule* rule, const AttentionCall& call) {
  const bool own = rule != nullptr && rule->pattern == "window";
  const std::int64_t window = own ? rule->window : shape.window, sinks = own ? rule->sinks : 0;
  if (window == 0 || window + sinks >= call.keys) return {};
  if (sinks > 0) return fmt::format(", pattern: sinks, window: {}, sinks: {}", window, sinks);
  return fmt::format(", window: {}", window);
}

}  // namespace

void add_attention(const Model& model, const LayerClass& layers, const std::vector<AttentionCall>& calls,
                   std::vector<LayerOp>& ops) {
  const ModelShape& shape = model.shape;
  const DeviceShare share(model);
  const RecipeRule *scores = layers.rule(Module::scores), *qkv = layers.rule(Module::qkv);
  const KeptHeads kept = kept_heads(share, qkv);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const std::string number = calls.size() > 1 ? fmt::format(".{}", i + 1) : "";
    AttentionCall call = calls[i];
    call.batch = ceil_div(call.batch, share.groups);
    // What is absorbed is kept beside the checkpoint's weights, in the type of the activations.
    const auto up = [&](const char* name, ProductSize size) {
      ops.push_back((call.queries == 1 ? product_op : layer_product_op)(shape, name + number, size, nullptr, {}));
      if (i > 0) ops.back().values = 0;  // the same weights again
    };
    CallShape heads = {share.heads, share.kv_heads, shape.head_dim};
    if (shape.latent) {
      const ModelLatent& latent = *shape.latent;
      const bool absorbed = call.queries == 1;
      heads = latent_heads(latent, share.heads, absorbed);
      if (absorbed)
        up("attention.absorb_q", {call.batch, share.heads * latent.kv_rank, latent.nope_dim});
      else
        up("attention.kv_up",
           {call.batch * call.keys, share.heads * (latent.nope_dim + latent.value_dim), latent.kv_rank});
    }
    LayerOp op;
    op.name = "attention.scores" + number;
    const bool pruned = kept.heads < share.heads;
    op.rule = scores != nullptr ? scores : pruned ? qkv : nullptr;
    op.keys = fmt::format("op: {}, {}{}", pruned ? "pruned_attention" : "attention", call_sizes(shape, call, heads),
                          window_keys(shape, scores, call));
    if (pruned) op.keys += fmt::format(", kept_heads: {}, kept_kv_heads: {}", kept.heads, kept.kv_heads);
    ops.push_back(std::move(op));
    if (shape.latent && call.queries == 1)
      up("attention.absorb_value", {call.batch, share.heads * shape.latent->value_dim, shape.latent->kv_rank});
  }
}

}  // namespace sparsesim
