#include "models/whole/recipe_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/whole/layers.h"

namespace sparsesim {
namespace {

using config::MapReader;

/// What a pattern is for, where that is not any product.
std::string wrong_words(const RecipeRule& rule) {
  const auto are = [&](std::initializer_list<std::string_view> words) {
    return std::all_of(rule.modules.begin(), rule.modules.end(), [&](const std::string& word) {
      return std::find(words.begin(), words.end(), word) != words.end();
    });
  };
  const bool scores = std::find(rule.modules.begin(), rule.modules.end(), "attention.scores") != rule.modules.end();
  std::string why;
  if (rule.pattern == "window" && !are({"attention.scores"})) why = "a window is of attention.scores alone";
  if (rule.pattern != "window" && rule.pattern != "dense" && scores)
    why = fmt::format("attention.scores has no weights: its pattern is window, not {}", rule.pattern);
  if (!rule.masks.empty() && (rule.modules.size() > 1 || modules_of(rule.modules.front()).size() > 1))
    why = "masks are of one product: attention.qkv, attention.output, mlp.gate_up, mlp.down or head";
  const bool experts = std::find(rule.modules.begin(), rule.modules.end(), "experts") != rule.modules.end();
  if (experts && rule.pattern != "dense" && rule.pattern != "experts")
    why = fmt::format("no kernel is modeled for sparse grouped products: the pattern of experts is experts, not {}",
                      rule.pattern);
  if (rule.pattern == "experts" && !are({"experts"})) why = "experts are removed from experts alone";
  if (rule.pattern == "removed" && !are({"all", "attention", "mlp"}))
    why = "a whole layer or block is removed: all, attention or mlp";
  if (rule.pattern == "channels" && !are({"mlp"})) why = "channels are removed from mlp as a whole";
  if (rule.pattern == "heads" && !are({"attention"})) why = "heads are removed from attention as a whole";
  return why;
}

/// Parts that the model has not, or has in a form for which no sparse kernel is modeled.
std::string misfit_of(const RecipeRule& rule, const ModelShape& shape) {
  const auto names = [&](Module module) {
    return std::any_of(rule.modules.begin(), rule.modules.end(), [&](const std::string& word) {
      const auto modules = modules_of(word);
      return std::find(modules.begin(), modules.end(), module) != modules.end();
    });
  };
  if (rule.pattern == "dense" || rule.pattern == "removed") return {};
  if (names(Module::experts)) {
    for (std::int64_t layer = rule.first; layer <= rule.last; ++layer)
      if (has_experts(shape, layer)) return {};
    return "none of these layers has experts";
  }
  if (shape.weights.any() && rule.pattern == "activation")
    return fmt::format("no kernel is modeled for activation sparsity with weights in {}", shape.weights.type);
  if (names(Module::head) && shape.vocabulary == 0) return "the model has no head: its vocabulary is 0";
  if (!rule.masks.empty()) {
    const Module part = modules_of(rule.modules.front()).front();
    const auto tensors = tensors_of(shape, part);
    const bool stacked = rule.masks.size() == 1 && (part != Module::qkv || !shape.latent);  // one mask of all tensors
    if (!stacked && tensors.size() != rule.masks.size())
      return fmt::format("{} masks for a product of {} tensor{}", rule.masks.size(), tensors.size(),
                         tensors.size() == 1 ? "" : "s");
  }
  if (rule.pattern == "heads" && shape.latent) return "heads of latent attention cannot be removed here";
  if (!names(Module::gate_up) && !names(Module::down)) return {};
  for (std::int64_t layer = rule.first; layer <= rule.last; ++layer)
    if (has_experts(shape, layer))
      return fmt::format("layer {} has experts, and no kernel is modeled for sparse grouped products", layer);
  return {};
}

}  // namespace

bool check_words(MapReader& map, const RecipeRule& rule) {
  const std::string why = wrong_words(rule);
  if (!why.empty()) map.mistake("modules", why);
  return why.empty();
}

void check_layers(MapReader& map, const RecipeRule& rule, const ModelShape& shape) {
  if (const std::string misfit = misfit_of(rule, shape); !misfit.empty()) map.mistake("modules", misfit);
}

void check_kept(MapReader& map, const RecipeRule& rule, const ModelShape& shape) {
  const bool experts = rule.pattern == "experts" && shape.experts;
  if (!experts && rule.pattern != "channels" && rule.pattern != "heads") return;
  const std::int64_t all = experts ? shape.experts->count : rule.pattern == "heads" ? shape.heads : shape.intermediate;
  if (rule.keep > all)
    return map.mistake("keep", fmt::format("{} {} of {} cannot be kept", rule.keep, rule.pattern, all));
  const std::int64_t group = rule.pattern == "heads" && shape.kv_heads > 0 ? shape.heads / shape.kv_heads : 1;
  if (rule.keep % std::max<std::int64_t>(1, group) != 0)
    map.mistake("keep", fmt::format("{} heads are no whole groups: {} query heads share a key head", rule.keep, group));
  if (!experts) return;
  const std::int64_t left = rule.keep > 0 ? rule.keep : std::llround((1 - rule.sparsity) * static_cast<double>(all));
  if (left < shape.experts->top_k)
    map.mistake(rule.keep > 0 ? "keep" : "sparsity",
                fmt::format("a token chooses {} experts, of {} that are left", shape.experts->top_k, left));
}

void check_pruning(config::Diagnostics& diagnostics, const Model& model) {
  const ModelParallel& p = model.parallel;
  const auto divide = [&](const RecipeRule& rule, std::int64_t devices) {
    if (rule.keep % devices == 0) return;
    diagnostics.add(rule.place,
                    fmt::format("{} devices cannot divide {} {} that are kept", devices, rule.keep, rule.pattern));
  };
  const RecipeRule* removes = nullptr;
  const config::Position* reported = nullptr;
  for (const RecipeRule& rule : model.recipe) {
    if (rule.pattern == "removed") removes = &rule;
    if (reported != nullptr && reported->line == rule.place.line && reported->column == rule.place.column) continue;
    reported = &rule.place;  // several ranges of layers are one rule
    if (rule.pattern == "channels" || rule.pattern == "heads") divide(rule, p.tensor);
    if (rule.pattern == "experts") divide(rule, p.expert);
  }
  if (removes == nullptr) return;
  const std::vector<LayerClass> classes = layer_classes(model);
  if (std::none_of(classes.begin(), classes.end(), [](const LayerClass& layers) { return layers.attention; }))
    diagnostics.add(removes->place, "the recipe removes the attention of every layer");
  else if (LayerStages stages(model); stages.left() < p.pipeline)
    diagnostics.add(removes->place,
                    fmt::format("{} stages for the {} layers that are left", p.pipeline, stages.left()));
}

}  // namespace sparsesim
