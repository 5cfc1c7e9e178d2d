// config.json of decoders without experts (huggingface/transformers, src/transformers/models/*/configuration_*.py).

#include <fmt/format.h>

#include <algorithm>

#include "models/whole/import/config_readers.h"
#include "models/whole/import/config_values.h"

namespace sparsesim {

using config::MapReader;

namespace {

/// Blocks that give attention and network the same input, with one norm and one exchange for both.
void note_side_by_side(Checkpoint& c) {
  c.notes.push_back("attention and network of a layer work side by side there; here one follows the other");
}

/// A network of two products, four times as wide as the layer where nobody says how wide.
void read_plain_network(MapReader& map, Checkpoint& c, std::string_view key) {
  c.shape.gated = false;
  c.shape.intermediate = size_of(map, key, 4 * c.shape.hidden);
}

/// Positions are looked up in a table of their own.
void read_positions(MapReader& map, Checkpoint& c, std::string_view key) {
  const std::int64_t positions = size_of(map, key);
  c.shape.embeddings += positions;
  c.sequence = std::min<std::int64_t>(2048, positions);
}

/// Qwen's window holds from a layer on, and only where it is switched on.
void read_qwen_window(MapReader& map, Checkpoint& c) {
  if (!flag_of(map, "use_sliding_window", false)) return;
  const std::int64_t first = count_of(map, "max_window_layers", 0);
  if (first < c.shape.layers) add_window(c, first, c.shape.layers - 1, size_of(map, "sliding_window"));
}

}  // namespace

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

void read_qwen(MapReader& map, Checkpoint& c) {
  read_llama(map, c);
  read_qwen_window(map, c);
}

void read_gemma(MapReader& map, Checkpoint& c) {
  read_llama(map, c);
  c.shape.tied = flag_of(map, "tie_word_embeddings", true);
}

void read_gemma2(MapReader& map, Checkpoint& c) {
  read_gemma(map, c);
  read_layer_windows(map, c, 2);
}

void read_gemma3(MapReader& map, Checkpoint& c) {
  read_gemma(map, c);
  read_layer_windows(map, c, size_of(map, "sliding_window_pattern", 6));
}

void read_smollm(MapReader& map, Checkpoint& c) {
  read_llama(map, c);
  c.shape.tied = flag_of(map, "tie_word_embeddings", true);
}

void read_cohere(MapReader& map, Checkpoint& c) {
  read_gemma(map, c);
  note_side_by_side(c);
}

void read_stablelm(MapReader& map, Checkpoint& c) {
  read_llama(map, c);
  if (flag_of(map, "use_parallel_residual", false)) note_side_by_side(c);
}

void read_phi(MapReader& map, Checkpoint& c) {
  read_llama(map, c);
  c.shape.gated = false;
  note_side_by_side(c);
}

void read_starcoder(MapReader& map, Checkpoint& c) {
  read_windowed(map, c);
  c.shape.gated = false;
  c.shape.tied = flag_of(map, "tie_word_embeddings", true);
}

void read_gpt_neox(MapReader& map, Checkpoint& c) {
  read_llama(map, c);
  c.shape.gated = false;
  if (flag_of(map, "use_parallel_residual", true)) note_side_by_side(c);
}

void read_opt(MapReader& map, Checkpoint& c) {
  read_body(map, c);
  read_head_sizes(map, c);
  read_words(map, c, true);
  read_plain_network(map, c, "ffn_dim");
  read_positions(map, c, "max_position_embeddings");
  if (size_of(map, "word_embed_proj_dim", c.shape.hidden) != c.shape.hidden)
    map.mistake("word_embed_proj_dim", "embeddings of another width than the layers cannot be said in a workload");
}

void read_gpt2(MapReader& map, Checkpoint& c) {
  read_sizes(map, c, {"n_layer"}, {"n_embd"}, {"n_head"});
  read_words(map, c, true);
  read_plain_network(map, c, "n_inner");
  read_positions(map, c, "n_positions");
}

void read_bloom(MapReader& map, Checkpoint& c) {
  read_sizes(map, c, {"n_layer", "num_hidden_layers"}, {"hidden_size", "n_embed"}, {"n_head", "num_attention_heads"});
  read_words(map, c, true);
  read_plain_network(map, c, "n_inner");
}

void read_falcon(MapReader& map, Checkpoint& c) {
  read_sizes(map, c, {"num_hidden_layers", "n_layer"}, {"hidden_size"}, {"num_attention_heads", "n_head"});
  read_words(map, c, true);
  read_plain_network(map, c, "ffn_hidden_size");
  if (flag_of(map, "new_decoder_architecture", false))
    c.shape.kv_heads = size_of(map, "num_kv_heads", c.shape.heads);
  else if (flag_of(map, "multi_query", true))
    c.shape.kv_heads = 1;
  if (flag_of(map, "parallel_attn", true)) note_side_by_side(c);
}

}  // namespace sparsesim
