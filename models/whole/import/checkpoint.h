#pragma once
// A model as a checkpoint's own files describe it: config.json, its tensors, and the recipes of pruning tools.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/whole/model.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// What the files say, and what they say that a workload cannot.
struct Checkpoint {
  std::string name;  // of the workload: the folder's, or the kind of model
  std::string type;  // model_type
  ModelShape shape;
  std::int64_t sequence = 2048;  // tokens of a pass where nobody says how many
  std::vector<RecipeRule> recipe;
  std::vector<std::string> notes;  // one line each: what was assumed, and what was left out
};

/// A kind of model as config.json names it: one row of the table of kinds.
struct CheckpointKind {
  std::string_view type;  // model_type
  void (*read)(config::MapReader& map, Checkpoint& checkpoint);
};
/// Kinds that can be read, and their names for messages.
const std::vector<CheckpointKind>& checkpoint_kinds();

/// Reads the text of a Hugging Face config.json; `path` stands for the file in messages. Sizes are those of the
/// workload language; the model can be run. Errors: config::ConfigError with every mistake and its place: no JSON, an
/// unknown model_type, missing sizes and ones that contradict each other.
Checkpoint read_checkpoint_config(const std::string& text, const std::string& path);

/// The tensors whose product a part of a layer is, as a kind of checkpoint names its modules.
struct CheckpointPart {
  std::string_view part;  // word of recipes: "attention.qkv"
  std::vector<std::string_view> tensors;
};
/// Of a layer, experts left out; latent attention has the tensors that make latent vectors and queries.
std::vector<CheckpointPart> parts_of(std::string_view type, const ModelShape& shape);
/// Where a kind of checkpoint keeps the experts of a layer, and the modules of each; no folder: not one by one.
struct ExpertNames {
  std::string_view folder;  // "mlp.experts": followed by the expert's number
  std::vector<std::string_view> tensors;
};
ExpertNames expert_names(std::string_view type);
/// "model.layers.3.mlp.up_proj": a module of a layer.
std::string module_name(std::string_view type, std::int64_t layer, std::string_view module);

/// JSON is YAML but for tabs, so that mistakes have places; numbers and words read the same. Errors: as
/// config::load_text().
config::Node load_json(const std::string& text, const std::string& path, config::Diagnostics& diagnostics,
                       const config::Limits& limits = {});

}  // namespace sparsesim
