#pragma once
// Whole models as workloads write them: the keys `model`, `recipe`, `parallel` and `pass` (docs/whole_models.md).

#include <optional>
#include <string>
#include <vector>

#include "models/whole/model.h"
#include "models/whole/training_step.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// A model and what of it a workload runs.
struct ModelRun {
  Model model;
  Pass pass;
  std::optional<TrainingStep> training;  // in place of the pass
  std::string resolved;                  // the keys with every default, as YAML
};

/// Reads the four keys of a workload's map; `model` must be there. Mistakes go to the reader's diagnostics, among them
/// whatever would make an op of the pass impossible: sizes that devices cannot share, rules for parts that a layer has
/// not. The result is usable only where there were none. Does not call finish().
ModelRun read_model_run(config::MapReader& top);
/// The parts, for workloads with sections of their own in place of `pass`. `resolved` grows by what was read.
Model read_model(config::MapReader& top, std::string& resolved);
Pass read_pass(config::MapReader& top, const Model& model, std::string& resolved);

/// A recipe: a list of rules, or a map of modules to "PATTERN [SHARE]". Private to this folder.
std::vector<RecipeRule> read_recipe(config::MapReader& top, const ModelShape& shape, std::string& resolved);

/// "  key: value" for each key that a reader was asked for and that is not empty.
std::string declared_text(const config::MapReader& map, std::string_view indent);

}  // namespace sparsesim
