#include "models/whole/import/config_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sparsesim {

using config::MapReader;

namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 24;

/// The name under which a file gives a value; the first where it gives none.
std::string_view named(MapReader& map, KeyNames names) {
  for (const std::string_view name : names)
    if (given(map, name)) return name;
  return *names.begin();
}

/// Every head has keys and values of its own.
void divide_hidden(MapReader& map, Checkpoint& c, std::string_view key) {
  c.shape.kv_heads = c.shape.heads;
  if (c.shape.heads > 0 && c.shape.hidden % c.shape.heads == 0)
    c.shape.head_dim = c.shape.hidden / c.shape.heads;
  else if (c.shape.hidden > 1)  // else its own mistake is said
    map.mistake(key, fmt::format("{} heads do not divide the hidden size of {}, and there is no head_dim",
                                 c.shape.heads, c.shape.hidden));
}

}  // namespace

bool given(MapReader& map, std::string_view key) {
  const auto node = map.optional(key);
  return node && node->type() != config::Node::Type::null &&
         !(node->type() == config::Node::Type::scalar && !node->quoted() && node->scalar() == "null");
}

std::int64_t size_of(MapReader& map, std::string_view key, std::int64_t fallback) {
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

void read_body(MapReader& map, Checkpoint& c) {
  c.shape.layers = map.integer("num_hidden_layers", 1, 1024);
  c.shape.hidden = size_of(map, "hidden_size");
  c.shape.heads = map.integer("num_attention_heads", 1, 65536);
  read_dtype(map, c);
}

void read_head_sizes(MapReader& map, Checkpoint& c) {
  if (given(map, "head_dim"))
    c.shape.head_dim = map.integer("head_dim", 1, 1024);
  else
    divide_hidden(map, c, "num_attention_heads");
  c.shape.kv_heads = size_of(map, "num_key_value_heads", c.shape.heads);
  if (c.shape.heads % std::max<std::int64_t>(1, c.shape.kv_heads) != 0)
    map.mistake("num_key_value_heads",
                fmt::format("{} heads cannot share {} of keys and values evenly", c.shape.heads, c.shape.kv_heads));
}

void read_words(MapReader& map, Checkpoint& c, bool tied) {
  c.shape.kind = ModelKind::decoder;
  c.shape.gated = true;
  c.shape.vocabulary = c.shape.embeddings = size_of(map, "vocab_size");
  c.shape.tied = flag_of(map, "tie_word_embeddings", tied);
  c.sequence = std::min<std::int64_t>(2048, size_of(map, "max_position_embeddings", 2048));
}

void read_sizes(MapReader& map, Checkpoint& c, KeyNames layers, KeyNames hidden, KeyNames heads) {
  c.shape.layers = map.integer(named(map, layers), 1, 1024);
  c.shape.hidden = size_of(map, named(map, hidden));
  c.shape.heads = map.integer(named(map, heads), 1, 65536);
  read_dtype(map, c);
  divide_hidden(map, c, named(map, heads));
}

void add_window(Checkpoint& c, std::int64_t first, std::int64_t last, std::int64_t window) {
  RecipeRule rule;
  rule.modules = {"attention.scores"};
  rule.first = first;
  rule.last = last;
  rule.pattern = "window";
  rule.window = window;
  c.recipe.push_back(std::move(rule));
}

void read_layer_windows(MapReader& map, Checkpoint& c, std::int64_t every) {
  const std::int64_t window = count_of(map, "sliding_window", 0);
  std::vector<std::string> types;
  if (given(map, "layer_types")) types = map.texts("layer_types", 1024);
  const auto layers = static_cast<std::size_t>(c.shape.layers);
  if (!types.empty() && types.size() != layers)
    return map.mistake("layer_types", fmt::format("{} types for {} layers", types.size(), layers));
  for (const std::string& type : types)
    if (type != "sliding_attention" && type != "full_attention")
      return map.mistake("layer_types", fmt::format("\"{}\" is neither sliding_attention nor full_attention", type));
  if (window == 0) return;
  for (std::int64_t layer = 0; layer < c.shape.layers; ++layer) {
    const bool full =
        types.empty() ? (layer + 1) % every == 0 : types[static_cast<std::size_t>(layer)] == "full_attention";
    if (full) continue;
    if (!c.recipe.empty() && c.recipe.back().last == layer - 1)
      c.recipe.back().last = layer;
    else
      add_window(c, layer, layer, window);
  }
}

}  // namespace sparsesim
