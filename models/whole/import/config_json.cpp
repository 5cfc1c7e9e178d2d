// config.json of the checkpoints that transformers keeps (huggingface/transformers,
// src/transformers/models/*/configuration_*.py).

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "models/whole/import/checkpoint.h"
#include "models/whole/import/pruning_recipe.h"
#include "models/whole/model_read.h"

namespace sparsesim {
namespace {

using config::MapReader;

constexpr std::int64_t kMost = std::int64_t{1} << 24;

/// JSON's null stands for a key that is absent.
bool given(MapReader& map, std::string_view key) {
  const auto node = map.optional(key);
  return node && node->type() != config::Node::Type::null &&
         !(node->type() == config::Node::Type::scalar && !node->quoted() && node->scalar() == "null");
}

std::int64_t size_of(MapReader& map, std::string_view key, std::int64_t fallback = -1) {
  if (fallback >= 0 && !given(map, key)) return fallback;
  return map.integer(key, 1, kMost);
}

std::int64_t count_of(MapReader& map, std::string_view key, std::int64_t fallback) {
  return given(map, key) ? map.integer(key, 0, kMost) : fallback;
}

bool flag_of(MapReader& map, std::string_view key, bool fallback) {
  return given(map, key) ? map.boolean(key, fallback) : fallback;
}

void read_dtype(MapReader& map, Checkpoint& c) {
  const char* key = given(map, "torch_dtype") ? "torch_dtype" : "dtype";  // the name since transformers 4.56
  if (!given(map, key)) {
    c.shape.dtype = "fp16";
    c.notes.push_back("config.json has no torch_dtype: 16 bits are assumed");
    return;
  }
  static constexpr std::array<std::string_view, 3> kTypes = {"bfloat16", "float16", "float32"};
  const std::string name = map.choice(key, kTypes);
  c.shape.dtype = name == "bfloat16" ? "bf16" : "fp16";
  if (name == "float32") c.notes.push_back("the checkpoint is in float32: it runs in 16 bits");
}

/// Depth, width and heads, which every transformer has.
void read_body(MapReader& map, Checkpoint& c) {
  c.shape.layers = map.integer("num_hidden_layers", 1, 1024);
  c.shape.hidden = size_of(map, "hidden_size");
  c.shape.heads = map.integer("num_attention_heads", 1, 65536);
  read_dtype(map, c);
}

void read_head_sizes(MapReader& map, Checkpoint& c) {
  c.shape.kv_heads = size_of(map, "num_key_value_heads", c.shape.heads);
  if (given(map, "head_dim"))
    c.shape.head_dim = map.integer("head_dim", 1, 1024);
  else if (c.shape.heads > 0 && c.shape.hidden % c.shape.heads == 0)
    c.shape.head_dim = c.shape.hidden / c.shape.heads;
  else
    map.mistake("num_attention_heads", fmt::format("{} heads do not divide hidden_size {}, and there is no head_dim",
                                                   c.shape.heads, c.shape.hidden));
}

void read_words(MapReader& map, Checkpoint& c, bool tied) {
  c.shape.kind = ModelKind::decoder;
  c.shape.gated = true;
  c.shape.vocabulary = c.shape.embeddings = size_of(map, "vocab_size");
  c.shape.tied = flag_of(map, "tie_word_embeddings", tied);
  c.sequence = std::min<std::int64_t>(2048, size_of(map, "max_position_embeddings", 2048));
}

void read_llama(MapReader& map, Checkpoint& c) {
  read_body(map, c);
  read_head_sizes(map, c);
  read_words(map, c, false);
  c.shape.intermediate = size_of(map, "intermediate_size");
}

void read_windowed(MapReader& map, Checkpoint& c) {
  read_llama(map, c);
  c.shape.window = count_of(map, "sliding_window", 0);
}

void read_gemma(MapReader& map, Checkpoint& c) {
  read_llama(map, c);
  c.shape.tied = flag_of(map, "tie_word_embeddings", true);
}

/// Qwen's window holds from a layer on, and only where it is switched on.
void read_qwen_window(MapReader& map, Checkpoint& c) {
  if (!flag_of(map, "use_sliding_window", false)) return;
  const std::int64_t first = count_of(map, "max_window_layers", 0);
  if (first >= c.shape.layers) return;
  RecipeRule rule;
  rule.modules = {"attention.scores"};
  rule.first = first;
  rule.last = c.shape.layers - 1;
  rule.pattern = "window";
  rule.window = size_of(map, "sliding_window");
  c.recipe.push_back(std::move(rule));
}

void read_qwen(MapReader& map, Checkpoint& c) {
  read_llama(map, c);
  read_qwen_window(map, c);
}

void read_mixtral(MapReader& map, Checkpoint& c) {
  read_windowed(map, c);
  ModelExperts experts;
  experts.count = map.integer("num_local_experts", 1, 1 << 16);
  experts.top_k = map.integer("num_experts_per_tok", 1, 1 << 16);
  experts.intermediate = c.shape.intermediate;
  c.shape.intermediate = 0;
  c.shape.experts = experts;
}

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

void read_bert(MapReader& map, Checkpoint& c) {
  read_body(map, c);
  read_head_sizes(map, c);
  c.shape.kind = ModelKind::encoder;
  c.shape.gated = false;
  c.shape.intermediate = size_of(map, "intermediate_size");
  const std::int64_t positions = size_of(map, "max_position_embeddings", 512);
  c.shape.embeddings = size_of(map, "vocab_size") + positions + count_of(map, "type_vocab_size", 0);
  c.sequence = std::min<std::int64_t>(512, positions);
}

void read_vit(MapReader& map, Checkpoint& c) {
  read_body(map, c);
  read_head_sizes(map, c);
  c.shape.kind = ModelKind::encoder;
  c.shape.gated = false;
  c.shape.intermediate = size_of(map, "intermediate_size");
  const std::int64_t side = size_of(map, "image_size"), patch = size_of(map, "patch_size");
  if (patch > side) map.mistake("patch_size", fmt::format("patches of {} in images of {}", patch, side));
  const std::int64_t across = std::max<std::int64_t>(1, side / std::max<std::int64_t>(1, patch));
  c.sequence = across * across + 1;  // one more for the class
  c.shape.embeddings = patch * patch * size_of(map, "num_channels", 3) + c.sequence;
  const auto labels = map.optional("id2label");
  c.shape.vocabulary = labels ? static_cast<std::int64_t>(labels->entries().size()) : count_of(map, "num_labels", 0);
}

/// What compression tools leave in config.json.
void read_compression(MapReader& map, Checkpoint& c) {
  for (const char* key : {"quantization_config", "compression_config"}) {
    if (!given(map, key)) continue;
    const auto node = map.map(key);
    if (!node) continue;
    MapReader compression(*node, map.diagnostics());
    if (given(compression, "sparsity_config"))
      if (const auto sparsity = compression.map("sparsity_config"))
        read_sparsity_config(*sparsity, map.diagnostics(), c);
    const std::string method = given(compression, "quant_method") ? compression.text("quant_method", "") : "";
    const auto groups = compression.optional("config_groups");
    if ((!method.empty() && method != "compressed-tensors") || (groups && !groups->entries().empty()))
      c.notes.push_back(
          fmt::format("quantised weights ({}) are counted in {}", method.empty() ? key : method, c.shape.dtype));
  }
}

/// A checkpoint is called as its folder is, a file of another name as itself.
std::string name_from(const std::string& path, const std::string& type) {
  const std::filesystem::path file(path);
  if (file.filename() != "config.json") return file.stem().string();
  const auto folder = file.parent_path().filename().string();
  return folder.empty() || folder == "." || folder == ".." ? type : folder;
}

}  // namespace

const std::vector<CheckpointKind>& checkpoint_kinds() {
  static const std::vector<CheckpointKind> kinds = {{"bert", read_bert},
                                                    {"deepseek_v2", read_deepseek},
                                                    {"deepseek_v3", read_deepseek},
                                                    {"gemma", read_gemma},
                                                    {"llama", read_llama},
                                                    {"mistral", read_windowed},
                                                    {"mixtral", read_mixtral},
                                                    {"phi3", read_windowed},
                                                    {"qwen2", read_qwen},
                                                    {"qwen2_moe", read_qwen_moe},
                                                    {"qwen3", read_qwen},
                                                    {"qwen3_moe", read_qwen_moe},
                                                    {"roberta", read_bert},
                                                    {"vit", read_vit}};
  return kinds;
}

Checkpoint read_checkpoint_config(const std::string& text, const std::string& path) {
  config::Diagnostics diagnostics;
  const config::Node tree = load_json(text, path, diagnostics);
  diagnostics.throw_if_any();
  MapReader map(tree, diagnostics);
  diagnostics.throw_if_any();
  std::vector<std::string_view> types;
  for (const CheckpointKind& kind : checkpoint_kinds()) types.push_back(kind.type);
  Checkpoint checkpoint;
  checkpoint.type = map.choice("model_type", types);
  diagnostics.throw_if_any();
  checkpoint.name = name_from(path, checkpoint.type);
  for (const CheckpointKind& kind : checkpoint_kinds())
    if (kind.type == checkpoint.type) kind.read(map, checkpoint);
  if (diagnostics.empty()) read_compression(map, checkpoint);
  diagnostics.throw_if_any();
  return checkpoint;
}

}  // namespace sparsesim
