#pragma once
// The sections of a whole model one by one, and the keys that each has.

#include <string>
#include <vector>

#include "models/whole/model.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// Sections of a workload with a model, and maps in them.
enum class ModelSection { model, experts, latent, rule, parallel, pass, call, training, exit, pruning, activity };
/// Every key of a section, learned by letting its reader ask for them. One that only some choices ask for is not
/// required.
std::vector<config::Declared> model_keys(ModelSection section);

/// Each reads one map; mistakes go to its diagnostics. They do not call finish(); what is printed of a section (and of
/// maps in it) is appended to `resolved`.
ModelShape read_shape(config::MapReader& map, std::string& resolved);
ModelExperts read_experts(config::MapReader& map, const ModelShape& shape);
ModelLatent read_latent(config::MapReader& map);
ModelParallel read_parallel(config::MapReader& map);
AttentionCall read_call(config::MapReader& map);
ModelExit read_exit(config::MapReader& map, const Model& model);
ModelPruning read_pruning(config::MapReader& map, const Model& model);
ModelActivity read_activity(config::MapReader& map, const Model& model);
Pass read_calls(config::MapReader& map, const Model& model, std::string& resolved);
/// The keys of a rule by its pattern, which is known.
void read_rule_keys(config::MapReader& map, RecipeRule& rule);
/// Patterns that rules may have, N:M apart from 2:4 not among them.
std::vector<std::string> rule_patterns();

}  // namespace sparsesim
