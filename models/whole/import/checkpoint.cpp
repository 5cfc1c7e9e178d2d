#include "models/whole/import/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>

namespace sparsesim {

namespace {

/// How a family of checkpoints calls its layers and the four products of each.
struct FamilyNames {
  std::vector<std::string_view> types;
  std::string_view layers;
  std::vector<std::string_view> qkv, output, up, down;
};

const FamilyNames& names_of(std::string_view type) {
  static const std::vector<FamilyNames> families = {
      {{"bert", "roberta"},
       "encoder.layer",
       {"attention.self.query", "attention.self.key", "attention.self.value"},
       {"attention.output.dense"},
       {"intermediate.dense"},
       {"output.dense"}},
      {{"vit"},
       "encoder.layer",
       {"attention.attention.query", "attention.attention.key", "attention.attention.value"},
       {"attention.output.dense"},
       {"intermediate.dense"},
       {"output.dense"}},
      {{"distilbert"},
       "transformer.layer",
       {"attention.q_lin", "attention.k_lin", "attention.v_lin"},
       {"attention.out_lin"},
       {"ffn.lin1"},
       {"ffn.lin2"}},
      {{"phi3"}, "model.layers", {"self_attn.qkv_proj"}, {"self_attn.o_proj"}, {"mlp.gate_up_proj"}, {"mlp.down_proj"}},
      {{"phi"},
       "model.layers",
       {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"},
       {"self_attn.dense"},
       {"mlp.fc1"},
       {"mlp.fc2"}},
      {{"starcoder2"},
       "model.layers",
       {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"},
       {"self_attn.o_proj"},
       {"mlp.c_fc"},
       {"mlp.c_proj"}},
      {{"opt"},
       "model.decoder.layers",
       {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"},
       {"self_attn.out_proj"},
       {"fc1"},
       {"fc2"}},
      {{"gpt_neox"},
       "gpt_neox.layers",
       {"attention.query_key_value"},
       {"attention.dense"},
       {"mlp.dense_h_to_4h"},
       {"mlp.dense_4h_to_h"}},
      {{"bloom", "falcon"},
       "transformer.h",
       {"self_attention.query_key_value"},
       {"self_attention.dense"},
       {"mlp.dense_h_to_4h"},
       {"mlp.dense_4h_to_h"}},
      {{"gpt2"}, "h", {"attn.c_attn"}, {"attn.c_proj"}, {"mlp.c_fc"}, {"mlp.c_proj"}},
  };
  static const FamilyNames usual = {{},
                                    "model.layers",
                                    {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"},
                                    {"self_attn.o_proj"},
                                    {"mlp.gate_proj", "mlp.up_proj"},
                                    {"mlp.down_proj"}};
  for (const FamilyNames& family : families)
    if (std::find(family.types.begin(), family.types.end(), type) != family.types.end()) return family;
  return usual;
}

}  // namespace

std::vector<CheckpointPart> parts_of(std::string_view type, const ModelShape& shape) {
  FamilyNames names = names_of(type);
  if (shape.latent && shape.latent->query_rank > 0)
    names.qkv = {"self_attn.q_a_proj", "self_attn.kv_a_proj_with_mqa", "self_attn.q_b_proj"};
  else if (shape.latent)
    names.qkv = {"self_attn.kv_a_proj_with_mqa", "self_attn.q_proj"};
  return {{"attention.qkv", names.qkv},
          {"attention.output", names.output},
          {"mlp.gate_up", names.up},
          {"mlp.down", names.down}};
}

ExpertNames expert_names(std::string_view type) {
  if (type == "mixtral") return {"block_sparse_moe.experts", {"w1", "w3", "w2"}};
  for (const std::string_view one : {"qwen2_moe", "qwen3_moe", "deepseek_v2", "deepseek_v3", "olmoe"})
    if (type == one) return {"mlp.experts", {"gate_proj", "up_proj", "down_proj"}};
  return {};
}

std::string module_name(std::string_view type, std::int64_t layer, std::string_view module) {
  return fmt::format("{}.{}.{}", names_of(type).layers, layer, module);
}

config::Node load_json(const std::string& text, const std::string& path, config::Diagnostics& diagnostics,
                       const config::Limits& limits) {
  std::string spaced = text;
  std::replace(spaced.begin(), spaced.end(), '\t', ' ');  // JSON has no tab inside a string
  return config::load_text(spaced, path, diagnostics, limits);
}

}  // namespace sparsesim
