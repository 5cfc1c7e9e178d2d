#pragma once
// What is wrong with the rules of a recipe. Private to this folder.

#include "models/whole/model.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// Reports a pattern that is not for the parts that the rule names; false where it did.
bool check_words(config::MapReader& map, const RecipeRule& rule);
/// Reports parts that the rule's layers have not, or have in a form for which no sparse kernel is modeled.
void check_layers(config::MapReader& map, const RecipeRule& rule, const ModelShape& shape);
/// Reports more channels, heads or experts to keep than there are, or too few experts for a token's choice.
void check_kept(config::MapReader& map, const RecipeRule& rule, const ModelShape& shape);

/// Reports, at their rules, what structured pruning cannot leave: layers without any attention, and heads, channels or
/// experts that the devices cannot share.
void check_pruning(config::Diagnostics& diagnostics, const Model& model);

}  // namespace sparsesim
