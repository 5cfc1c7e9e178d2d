#include "models/whole/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <numeric>

#include "sim/core/counts.h"

namespace sparsesim {
namespace {

const std::vector<ModuleWord>& words() {
  using enum Module;
  static const std::vector<ModuleWord> table = {{"attention.qkv", {qkv}},
                                                {"attention.scores", {scores}},
                                                {"attention.output", {output}},
                                                {"mlp.gate_up", {gate_up}},
                                                {"mlp.up", {gate_up}},
                                                {"mlp.down", {down}},
                                                {"head", {head}},
                                                {"experts", {experts}},
                                                {"attention", {qkv, output}},
                                                {"mlp", {gate_up, down}},
                                                {"all", {qkv, output, gate_up, down}}};
  return table;
}

/// Which parts each rule is for, one bit each: asked for every part of every layer.
std::vector<unsigned> parts_of_rules(const Model& model) {
  std::vector<unsigned> parts;
  for (const RecipeRule& rule : model.recipe) {
    unsigned bits = 0;
    for (const std::string& word : rule.modules)
      for (const Module module : modules_of(word)) bits |= 1u << static_cast<unsigned>(module);
    parts.push_back(bits);
  }
  return parts;
}

/// The last rule for a part; the head is of no layer.
const RecipeRule* last_rule(const Model& model, const std::vector<unsigned>& parts, Module module, std::int64_t layer) {
  for (std::size_t i = model.recipe.size(); i-- > 0;) {
    const RecipeRule& rule = model.recipe[i];
    if ((parts[i] >> static_cast<unsigned>(module) & 1u) == 0 || rule.pattern == "removed") continue;
    if (module == Module::head || (layer >= rule.first && layer <= rule.last))
      return rule.pattern == "dense" ? nullptr : &rule;
  }
  return nullptr;
}

bool removes_blocks(const Model& model) {
  return std::any_of(model.recipe.begin(), model.recipe.end(),
                     [](const RecipeRule& rule) { return rule.pattern == "removed"; });
}

/// Whether a block of a layer is left: what a rule removes stays so until one says `dense` of the whole block.
bool is_left(const Model& model, const std::vector<unsigned>& parts, std::initializer_list<Module> block,
             std::int64_t layer) {
  unsigned bits = 0;
  for (const Module module : block) bits |= 1u << static_cast<unsigned>(module);
  bool left = true;
  for (std::size_t i = 0; i < model.recipe.size(); ++i) {
    const RecipeRule& rule = model.recipe[i];
    if (layer < rule.first || layer > rule.last || (parts[i] & bits) != bits) continue;
    if (rule.pattern == "removed") left = false;
    if (rule.pattern == "dense") left = true;
  }
  return left;
}

/// Layers with recorded routes have each their own.
bool alike(const Model& model, const LayerClass& a, const LayerClass& b) {
  if (a.experts && model.dynamics.routes) return false;
  return a.experts == b.experts && a.attention == b.attention && a.network == b.network && a.rules == b.rules;
}

}  // namespace

std::span<const ModuleWord> module_words() { return words(); }

std::vector<Module> modules_of(std::string_view word) {
  for (const ModuleWord& row : words())
    if (row.word == word) return row.modules;
  return {};
}

bool has_experts(const ModelShape& shape, std::int64_t layer) {
  if (!shape.experts || layer < shape.experts->dense_layers) return false;
  return (layer - shape.experts->dense_layers) % shape.experts->every == 0;
}

std::vector<LayerClass> layer_classes(const Model& model) {
  std::vector<LayerClass> classes;
  const std::vector<unsigned> parts = parts_of_rules(model);
  const bool removes = removes_blocks(model);
  for (std::int64_t layer = 0; layer < model.shape.layers; ++layer) {
    LayerClass one;
    one.experts = has_experts(model.shape, layer);
    for (std::size_t m = 0; m < kModules; ++m) one.rules[m] = last_rule(model, parts, static_cast<Module>(m), layer);
    one.attention = !removes || is_left(model, parts, {Module::qkv, Module::output}, layer);
    one.network = !removes || is_left(model, parts, {Module::gate_up, Module::down}, layer);
    auto found =
        std::find_if(classes.begin(), classes.end(), [&](const LayerClass& c) { return alike(model, c, one); });
    if (found == classes.end()) found = classes.insert(classes.end(), std::move(one));
    found->layers.push_back(layer);
  }
  return classes;
}

const RecipeRule* head_rule(const Model& model) { return last_rule(model, parts_of_rules(model), Module::head, 0); }

std::vector<PartTensor> tensors_of(const ModelShape& shape, Module module) {
  const std::int64_t hidden = shape.hidden, inner = shape.intermediate, key = shape.kv_heads * shape.head_dim;
  const std::int64_t value = shape.latent ? shape.latent->value_dim : shape.head_dim;
  if (module == Module::output) return {{"", hidden, shape.heads * value}};
  if (module == Module::down) return {{"", hidden, inner}};
  if (module == Module::head) return {{"", shape.vocabulary, hidden}};
  if (module == Module::gate_up && shape.gated) return {{"mlp.gate", inner, hidden}, {"mlp.up", inner, hidden}};
  if (module == Module::gate_up) return {{"", inner, hidden}};
  if (!shape.latent)
    return {{"attention.q", shape.heads * shape.head_dim, hidden, shape.heads},
            {"attention.k", key, hidden, shape.kv_heads},
            {"attention.v", key, hidden, shape.kv_heads}};
  const ModelLatent& latent = *shape.latent;
  const std::int64_t kept = latent.kv_rank + latent.rope_dim;
  const std::int64_t queries = shape.heads * (latent.nope_dim + latent.rope_dim);
  if (latent.query_rank == 0)
    return {{"attention.kv_down", kept, hidden, 1}, {"attention.q_up", queries, hidden, shape.heads}};
  return {{"attention.q_down", latent.query_rank, hidden, 1},
          {"attention.kv_down", kept, hidden, 1},
          {"attention.q_up", queries, latent.query_rank, shape.heads}};
}

std::string layers_text(const std::vector<std::int64_t>& layers) {
  std::vector<std::string> ranges;
  for (std::size_t begin = 0; begin < layers.size();) {
    std::size_t end = begin;
    while (end + 1 < layers.size() && layers[end + 1] == layers[end] + 1) ++end;
    ranges.push_back(end == begin ? fmt::format("{}", layers[begin])
                                  : fmt::format("{}-{}", layers[begin], layers[end]));
    begin = end + 1;
  }
  // Names must differ where layers do: short for steps of one length alone, which three numbers tell.
  constexpr std::size_t kRangesMost = 4;
  const auto uneven = [&](std::size_t i) { return layers[i] - layers[i - 1] != layers[1] - layers[0]; };
  bool even = ranges.size() > kRangesMost;
  for (std::size_t i = 2; even && i < layers.size(); ++i) even = !uneven(i);
  if (!even) return fmt::format("{}", fmt::join(ranges, ","));
  return fmt::format("{},{},..,{}", ranges[0], ranges[1], ranges.back());
}

LayerStages::LayerStages(std::int64_t layers, std::int64_t stages)
    : index_(static_cast<std::size_t>(layers)), left_(layers), stages_(stages) {
  std::iota(index_.begin(), index_.end(), 0);
}

LayerStages::LayerStages(const Model& model) : LayerStages(model.shape.layers, model.parallel.pipeline) {
  if (!removes_blocks(model)) return;
  left_ = 0;
  std::fill(index_.begin(), index_.end(), -1);
  for (const LayerClass& layers : layer_classes(model))
    for (const std::int64_t layer : layers.layers)
      if (layers.attention || layers.network) index_[static_cast<std::size_t>(layer)] = 0;
  for (std::int64_t& index : index_)
    if (index == 0) index = left_++;
}

std::size_t LayerStages::of(std::int64_t layer) const {
  const std::int64_t index = index_[static_cast<std::size_t>(layer)];
  const std::int64_t each = left_ / stages_, longer = left_ % stages_;  // the first `longer` stages have one more
  const std::int64_t head = longer * (each + 1);
  return static_cast<std::size_t>(index < head ? index / (each + 1)
                                               : longer + (index - head) / std::max<std::int64_t>(1, each));
}

std::int64_t LayerStages::most(const std::vector<std::int64_t>& layers) const {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(stages_));
  for (const std::int64_t layer : layers)
    if (has(layer)) ++counts[of(layer)];
  return *std::max_element(counts.begin(), counts.end());
}

}  // namespace sparsesim
