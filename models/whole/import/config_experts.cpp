// config.json of decoders with experts (huggingface/transformers, src/transformers/models/*/configuration_*.py).

#include <fmt/format.h>

#include "models/whole/import/config_readers.h"
#include "models/whole/import/config_values.h"

namespace sparsesim {

using config::MapReader;

namespace {

/// The first layers may be dense, and every so-many-th has experts. Source: Qwen3MoeDecoderLayer.
void read_qwen_layers(MapReader& map, Checkpoint& c, ModelExperts& experts) {
  const std::int64_t step = size_of(map, "decoder_sparse_step", 1);
  experts.every = step;
  experts.dense_layers = step - 1;
  const auto dense = given(map, "mlp_only_layers") ? map.optional("mlp_only_layers") : std::nullopt;
  if (!dense || dense->items().empty()) return;
  const auto layers = map.integers("mlp_only_layers", 0, c.shape.layers - 1, c.shape.layers);
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (step > 1 || layers[i] != static_cast<std::int64_t>(i))
      return map.mistake("mlp_only_layers", "dense layers other than the first ones cannot be said in a workload");
  experts.dense_layers = static_cast<std::int64_t>(layers.size());
}

/// Every layer has experts as wide as `intermediate_size`, and nothing else.
void read_experts_alone(MapReader& map, Checkpoint& c, const char* count) {
  ModelExperts experts;
  experts.count = map.integer(count, 1, 1 << 16);
  experts.top_k = map.integer("num_experts_per_tok", 1, 1 << 16);
  experts.intermediate = c.shape.intermediate;
  c.shape.intermediate = 0;
  c.shape.experts = experts;
}

}  // namespace

void read_mixtral(MapReader& map, Checkpoint& c) {
  read_windowed(map, c);
  read_experts_alone(map, c, "num_local_experts");
}

void read_qwen_moe(MapReader& map, Checkpoint& c) {
  read_qwen(map, c);
  ModelExperts experts;
  experts.count = map.integer("num_experts", 1, 1 << 16);
  experts.top_k = map.integer("num_experts_per_tok", 1, 1 << 16);
  experts.intermediate = size_of(map, "moe_intermediate_size");
  read_qwen_layers(map, c, experts);
  if (given(map, "shared_expert_intermediate_size")) {
    const std::int64_t shared = size_of(map, "shared_expert_intermediate_size");
    if (shared % experts.intermediate != 0)
      map.mistake("shared_expert_intermediate_size",
                  fmt::format("{} is no multiple of moe_intermediate_size ({}): shared experts have the size of others",
                              shared, experts.intermediate));
    experts.shared = shared / experts.intermediate;
    if (experts.shared > 1)
      c.notes.push_back(fmt::format("the shared expert counts as {} of the size of the others", experts.shared));
  }
  if (experts.dense_layers == 0 && experts.every == 1) c.shape.intermediate = 0;
  c.shape.experts = experts;
}

void read_deepseek(MapReader& map, Checkpoint& c) {
  read_body(map, c);
  read_words(map, c, false);
  c.shape.kv_heads = c.shape.heads;
  c.shape.intermediate = size_of(map, "intermediate_size");
  ModelLatent latent;
  latent.kv_rank = size_of(map, "kv_lora_rank");
  latent.query_rank = count_of(map, "q_lora_rank", 0);
  latent.nope_dim = map.integer("qk_nope_head_dim", 1, 1024);
  latent.rope_dim = map.integer("qk_rope_head_dim", 1, 1024);
  latent.value_dim = map.integer("v_head_dim", 1, 1024);
  c.shape.latent = latent;
  ModelExperts experts;
  experts.count = map.integer("n_routed_experts", 1, 1 << 16);
  experts.top_k = map.integer("num_experts_per_tok", 1, 1 << 16);
  experts.intermediate = size_of(map, "moe_intermediate_size");
  experts.shared = count_of(map, "n_shared_experts", 0);
  experts.every = size_of(map, "moe_layer_freq", 1);
  const std::int64_t first =
      count_of(map, "first_k_dense_replace", 0);  // the first layer of every so-many-th from here
  experts.dense_layers = (first + experts.every - 1) / experts.every * experts.every;
  c.shape.experts = experts;
  if (count_of(map, "num_nextn_predict_layers", 0) > 0)
    c.notes.push_back("layers that predict further tokens (num_nextn_predict_layers) are left out");
}

void read_gpt_oss(MapReader& map, Checkpoint& c) {
  read_llama(map, c);
  read_layer_windows(map, c, 2);
  read_experts_alone(map, c, "num_local_experts");
}

void read_olmoe(MapReader& map, Checkpoint& c) {
  read_llama(map, c);
  read_experts_alone(map, c, "num_experts");
}

}  // namespace sparsesim
