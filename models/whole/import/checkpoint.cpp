#include "models/whole/import/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>

namespace sparsesim {

std::vector<CheckpointPart> parts_of(std::string_view type) {
  if (type == "bert" || type == "roberta")
    return {{"attention.qkv", {"attention.self.query", "attention.self.key", "attention.self.value"}},
            {"attention.output", {"attention.output.dense"}},
            {"mlp.gate_up", {"intermediate.dense"}},
            {"mlp.down", {"output.dense"}}};
  if (type == "vit")
    return {{"attention.qkv", {"attention.attention.query", "attention.attention.key", "attention.attention.value"}},
            {"attention.output", {"attention.output.dense"}},
            {"mlp.gate_up", {"intermediate.dense"}},
            {"mlp.down", {"output.dense"}}};
  if (type == "phi3")
    return {{"attention.qkv", {"self_attn.qkv_proj"}},
            {"attention.output", {"self_attn.o_proj"}},
            {"mlp.gate_up", {"mlp.gate_up_proj"}},
            {"mlp.down", {"mlp.down_proj"}}};
  return {{"attention.qkv", {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}},
          {"attention.output", {"self_attn.o_proj"}},
          {"mlp.gate_up", {"mlp.gate_proj", "mlp.up_proj"}},
          {"mlp.down", {"mlp.down_proj"}}};
}

std::string module_name(std::string_view type, std::int64_t layer, std::string_view module) {
  const bool encoder = type == "bert" || type == "roberta" || type == "vit";
  return fmt::format("{}.{}.{}", encoder ? "encoder.layer" : "model.layers", layer, module);
}

config::Node load_json(const std::string& text, const std::string& path, config::Diagnostics& diagnostics,
                       const config::Limits& limits) {
  std::string spaced = text;
  std::replace(spaced.begin(), spaced.end(), '\t', ' ');  // JSON has no tab inside a string
  return config::load_text(spaced, path, diagnostics, limits);
}

}  // namespace sparsesim
