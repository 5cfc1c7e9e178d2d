// config.json of checkpoints: the table of their kinds, and what is alike in all of them.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "models/whole/import/config_readers.h"
#include "models/whole/import/config_values.h"
#include "models/whole/import/pruning_recipe.h"

namespace sparsesim {
namespace {

using config::MapReader;

/// Weights in fp8: one scale per square block, or where that is not said one per tensor. False: of another type.
/// Source: transformers, FineGrainedFP8Config.
bool read_fp8(MapReader& map, Checkpoint& c) {
  if (!given(map, "quant_method") || map.text("quant_method", "") != "fp8") return false;
  c.shape.weights.type = "fp8";
  c.shape.weights.block = 0;
  if (!given(map, "weight_block_size")) return true;
  const auto block = map.integers("weight_block_size", 1, 65536, 2);
  if (block.size() != 2 || block[0] != block[1])
    map.mistake("weight_block_size", "blocks of weights with one scale are square: [128, 128]");
  else
    c.shape.weights.block = block[0];
  return true;
}

/// Integers of 4 or 8 bits with a scale for each group of one output's weights (-1: for all of them), unpacked beside
/// activations of 16 bits. False: of other sizes.
bool read_integers(MapReader& map, const char* bits_key, Checkpoint& c) {
  const std::int64_t bits = given(map, bits_key) ? map.integer(bits_key, 1, 64, 16) : 16;
  if (bits != 4 && bits != 8) return false;
  c.shape.weights.type = bits == 4 ? "int4" : "int8";
  c.shape.weights.block =
      given(map, "group_size") ? std::max<std::int64_t>(0, map.integer("group_size", -1, 65536, -1)) : 0;
  return true;
}

/// Weights of compressed-tensors: all groups alike, integers alone, or floating point beside activations of it.
/// Source: compressed-tensors, QuantizationArgs.
bool read_groups(MapReader& map, Checkpoint& c) {
  const auto groups = map.map("config_groups");
  if (!groups || groups->entries().size() != 1) return false;
  const config::Node first = groups->entries().front().second;
  if (first.type() != config::Node::Type::map) return false;
  MapReader group(first, map.diagnostics());
  const auto node = given(group, "weights") ? group.map("weights") : std::nullopt;
  if (!node) return false;
  MapReader weights(*node, map.diagnostics());
  const bool alone = !given(group, "input_activations");
  const std::string type = given(weights, "type") ? weights.text("type", "int") : "int";
  if (type == "int") return alone && read_integers(weights, "num_bits", c);
  if (type != "float" || !given(weights, "num_bits") || weights.integer("num_bits", 1, 64, 16) != 8) return false;
  c.shape.weights.type = "fp8";
  c.shape.weights.block = 0;
  if (!given(weights, "block_structure")) return true;
  const auto block = weights.integers("block_structure", 1, 65536, 2);
  if (block.size() == 2 && block[0] == block[1]) c.shape.weights.block = block[0];
  return true;
}

/// Weights of fewer than 16 bits that are modeled. Sources: transformers, GPTQConfig and AwqConfig; compressed-tensors.
bool read_narrow_weights(MapReader& map, const std::string& method, Checkpoint& c) {
  if (method == "gptq" || method == "awq" || method == "awq_marlin" || method == "gptq_marlin")
    return read_integers(map, "bits", c);
  if (method == "compressed-tensors" || given(map, "config_groups")) return read_groups(map, c);
  return read_fp8(map, c);
}

/// Whether kept keys and values are floating-point numbers of 8 bits. Source: compressed-tensors, QuantizationConfig.
bool keeps_fp8(MapReader& map) {
  const auto node = given(map, "kv_cache_scheme") ? map.map("kv_cache_scheme") : std::nullopt;
  if (!node) return false;
  MapReader scheme(*node, map.diagnostics());
  return given(scheme, "num_bits") && scheme.integer("num_bits", 1, 64) == 8 && given(scheme, "type") &&
         scheme.text("type") == "float";
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
    if (keeps_fp8(compression) && !c.shape.latent) c.shape.kv_dtype = "fp8";
    const std::string method = given(compression, "quant_method") ? compression.text("quant_method", "") : "";
    if (read_narrow_weights(compression, method, c)) continue;
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
                                                    {"bloom", read_bloom},
                                                    {"cohere", read_cohere},
                                                    {"deepseek_v2", read_deepseek},
                                                    {"deepseek_v3", read_deepseek},
                                                    {"distilbert", read_distilbert},
                                                    {"falcon", read_falcon},
                                                    {"gemma", read_gemma},
                                                    {"gemma2", read_gemma2},
                                                    {"gemma3_text", read_gemma3},
                                                    {"gpt2", read_gpt2},
                                                    {"gpt_neox", read_gpt_neox},
                                                    {"gpt_oss", read_gpt_oss},
                                                    {"granite", read_llama},
                                                    {"llama", read_llama},
                                                    {"mistral", read_windowed},
                                                    {"mixtral", read_mixtral},
                                                    {"olmo", read_llama},
                                                    {"olmo2", read_llama},
                                                    {"olmoe", read_olmoe},
                                                    {"opt", read_opt},
                                                    {"phi", read_phi},
                                                    {"phi3", read_windowed},
                                                    {"qwen2", read_qwen},
                                                    {"qwen2_moe", read_qwen_moe},
                                                    {"qwen3", read_qwen},
                                                    {"qwen3_moe", read_qwen_moe},
                                                    {"roberta", read_bert},
                                                    {"smollm3", read_smollm},
                                                    {"stablelm", read_stablelm},
                                                    {"starcoder2", read_starcoder},
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
