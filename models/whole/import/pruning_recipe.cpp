#include "models/whole/import/pruning_recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <regex>

#include "models/ops/weights/spmm_formats.h"
#include "models/whole/layers.h"
#include "models/whole/model_read.h"

namespace sparsesim {
namespace {

using config::MapReader;
using config::Node;

constexpr std::size_t kPatternLongest = 256;

/// Whether a tool's name of targets covers a module. A plain name is the module's own, or one of its kind.
class TargetMatch {
 public:
  explicit TargetMatch(const std::string& target) : text_(target) {
    all_ = target == "Linear" || target == "__ALL_PRUNABLE__" || target.ends_with("DecoderLayer") ||
           target.ends_with("Layer");
    if (!target.starts_with("re:")) return;
    if (target.size() > kPatternLongest) throw std::regex_error(std::regex_constants::error_complexity);
    // Polynomial: no expression, however unfortunate, takes longer than its length times the name's.
    expression_ = std::regex(target.substr(3), std::regex::ECMAScript | std::regex_constants::__polynomial);
    is_expression_ = true;
  }
  bool covers(const std::string& module) const {
    if (all_) return true;
    // Tools match from the start of the name, and some name the weight.
    if (is_expression_)
      return std::regex_search(module, expression_, std::regex_constants::match_continuous) ||
             std::regex_search(module + ".weight", expression_, std::regex_constants::match_continuous);
    return module == text_ || module + ".weight" == text_ || module.ends_with("." + text_);
  }

 private:
  std::string text_;
  bool all_ = false, is_expression_ = false;
  std::regex expression_;
};

std::vector<TargetMatch> matches_of(const std::vector<std::string>& targets, const config::Position& place,
                                    config::Diagnostics& diagnostics) {
  std::vector<TargetMatch> matches;
  for (const std::string& target : targets) {
    try {
      matches.emplace_back(target);
    } catch (const std::regex_error&) {
      diagnostics.add(place, fmt::format("\"{}\" is no regular expression of at most {} characters that can be used",
                                         target.substr(0, 60), kPatternLongest));
    }
  }
  return matches;
}

bool any_covers(const std::vector<TargetMatch>& matches, const std::string& module) {
  return std::any_of(matches.begin(), matches.end(), [&](const TargetMatch& m) { return m.covers(module); });
}

RecipeRule rule_of(const PruningStatement& statement, const std::string& part) {
  RecipeRule rule;
  rule.modules = {part};
  rule.pattern = statement.structure;
  if (!is_n_of_m(statement.structure)) rule.sparsity = statement.sparsity;
  return rule;
}

/// Rules for the ranges of these layers.
void add_ranges(const RecipeRule& rule, const std::vector<std::int64_t>& layers, std::vector<RecipeRule>& rules) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (i == 0 || layers[i] != layers[i - 1] + 1) {
      rules.push_back(rule);
      rules.back().first = layers[i];
    }
    rules.back().last = layers[i];
  }
}

/// Key of a map as text; empty where it is absent or no scalar.
std::string text_at(const Node& map, std::string_view key) {
  const auto node = map.find(key);
  return node && node->type() == Node::Type::scalar ? node->scalar() : "";
}

std::vector<std::string> texts_at(const Node& map, std::string_view key) {
  const auto node = map.find(key);
  if (!node) return {};
  if (node->type() == Node::Type::scalar) return {node->scalar()};
  std::vector<std::string> texts;
  for (const Node& item : node->items())
    if (!item.scalar().empty()) texts.push_back(item.scalar());
  return texts;
}

/// The pattern of "2:4", "unstructured", "0:0" (llm-compressor's word for it). Reports others.
std::string structure_of(const Node& map, std::string_view key, config::Diagnostics& diagnostics) {
  const std::string text = text_at(map, key);
  if (text.empty() || text == "0:0" || text == "null" || text == "unstructured") return "unstructured";
  if (parse_n_of_m(text)) return text;
  diagnostics.add(map.find(key)->position(), fmt::format("{} cannot be \"{}\"", key, text),
                  "known: unstructured, 0:0, and any N:M");
  return "unstructured";
}

double share_at(const Node& map, std::string_view key, config::Diagnostics& diagnostics) {
  const auto node = map.find(key);
  if (!node) return 0;
  return config::read_quantity(*node, node->path(), config::Dimension::share, config::Range::between(0, 1), diagnostics)
      .value_or(0);
}

bool prunes(const std::string& modifier) {
  static constexpr std::array<std::string_view, 3> kPruning = {"SparseGPTModifier", "WandaPruningModifier",
                                                               "MagnitudePruningModifier"};
  return std::find(kPruning.begin(), kPruning.end(), modifier) != kPruning.end();
}

/// Weights in a scheme that is modeled. Source: compressed-tensors, PRESET_SCHEMES.
std::optional<ScaledWeights> weights_of_scheme(const std::string& scheme) {
  if (scheme == "W4A16" || scheme == "W4A16_ASYM") return ScaledWeights{.type = "int4", .block = 128};
  if (scheme == "W8A16") return ScaledWeights{.type = "int8", .block = 0};
  if (scheme == "FP8" || scheme == "FP8_DYNAMIC") return ScaledWeights{.type = "fp8", .block = 0};
  if (scheme == "FP8_BLOCK") return ScaledWeights{.type = "fp8", .block = 128};
  return std::nullopt;
}

void read_modifier(const std::string& name, const Node& node, config::Diagnostics& diagnostics, Checkpoint& c) {
  if (const auto weights = weights_of_scheme(text_at(node, "scheme"))) {
    c.shape.weights = *weights;
    return;
  }
  if (!prunes(name)) {
    if (name != "ConstantPruningModifier")  // keeps what is zero, and makes nothing zero
      c.notes.push_back(fmt::format("{} of the recipe was left out: it does not prune", name));
    return;
  }
  PruningStatement statement;
  statement.structure = structure_of(node, "mask_structure", diagnostics);
  statement.sparsity = share_at(node, node.find("sparsity") ? "sparsity" : "final_sparsity", diagnostics);
  statement.targets = texts_at(node, "targets");
  statement.ignore = texts_at(node, "ignore");
  if (statement.targets.empty()) statement.targets = {"Linear"};
  if (statement.structure == "unstructured" && statement.sparsity <= 0)
    return diagnostics.add(node.position(), fmt::format("{} has no sparsity of one number", name));
  add_statement(statement, node.position(), diagnostics, c);
}

/// Stages and groups of modifiers, whatever they are called. Returns whether a modifier was there.
bool read_stages(const Node& node, config::Diagnostics& diagnostics, Checkpoint& c) {
  bool found = false;
  for (const auto& [key, value] : node.entries()) {
    if (key.ends_with("Modifier")) {
      read_modifier(key, value, diagnostics, c);
      found = true;
    } else if (value.type() == Node::Type::map) {
      found = read_stages(value, diagnostics, c) || found;
    }
  }
  return found;
}

}  // namespace

void add_statement(const PruningStatement& statement, const config::Position& place, config::Diagnostics& diagnostics,
                   Checkpoint& c) {
  const auto targets = matches_of(statement.targets, place, diagnostics);
  const auto ignored = matches_of(statement.ignore, place, diagnostics);
  const auto pruned = [&](const std::string& module) {
    return any_covers(targets, module) && !any_covers(ignored, module);
  };
  std::size_t parts_found = 0;
  for (const CheckpointPart& part : parts_of(c.type, c.shape)) {
    const bool network = part.part.starts_with("mlp");
    std::vector<std::int64_t> whole, partly, experts;
    for (std::int64_t layer = 0; layer < c.shape.layers; ++layer) {
      const auto of_layer = std::count_if(part.tensors.begin(), part.tensors.end(), [&](std::string_view tensor) {
        return pruned(module_name(c.type, layer, tensor));
      });
      if (of_layer == 0) continue;
      const bool all = of_layer == static_cast<std::ptrdiff_t>(part.tensors.size());
      (network && has_experts(c.shape, layer) ? experts : all ? whole : partly).push_back(layer);
    }
    parts_found += whole.size() + partly.size() + experts.size();
    add_ranges(rule_of(statement, std::string(part.part)), whole, c.recipe);
    if (!partly.empty())
      c.notes.push_back(fmt::format("layers {}: only a part of {} is pruned; it runs as one product and stays dense",
                                    layers_text(partly), part.part));
    if (!experts.empty())
      c.notes.push_back(fmt::format(
          "layers {}: experts stay dense, for no kernel is modeled for sparse grouped products", layers_text(experts)));
  }
  if (c.shape.vocabulary > 0 && !statement.targets.empty() && any_covers(targets, "lm_head") &&
      !any_covers(ignored, "lm_head") && c.shape.kind == ModelKind::decoder) {
    c.recipe.push_back(rule_of(statement, "head"));
    c.recipe.back().last = c.shape.layers - 1;
    ++parts_found;
  }
  if (parts_found == 0) c.notes.push_back(fmt::format("no tensor is called {}", fmt::join(statement.targets, " or ")));
}

void read_sparsity_config(const Node& node, config::Diagnostics& diagnostics, Checkpoint& c) {
  const std::string format = text_at(node, "format");
  if (format == "dense" && text_at(node, "sparsity_structure").empty()) return;
  PruningStatement statement;
  statement.structure = format == "sparse-24-bitmask" ? "2:4" : structure_of(node, "sparsity_structure", diagnostics);
  statement.sparsity = share_at(node, "global_sparsity", diagnostics);
  statement.targets = texts_at(node, "targets");
  statement.ignore = texts_at(node, "ignore");
  if (statement.targets.empty()) statement.targets = {"Linear"};
  if (statement.structure == "unstructured" && statement.sparsity <= 0) return;
  add_statement(statement, node.position(), diagnostics, c);
}

void read_recipe_file(const std::string& path, Checkpoint& c) {
  config::Diagnostics diagnostics;
  const Node tree = config::load_file(path, diagnostics);
  diagnostics.throw_if_any();
  if (tree.type() == Node::Type::map && tree.find("recipe")) {
    MapReader map(tree, diagnostics);
    std::string resolved;
    for (RecipeRule& rule : read_recipe(map, c.shape, resolved)) c.recipe.push_back(std::move(rule));
  } else if (!read_stages(tree, diagnostics, c)) {
    diagnostics.add(tree.position(), "neither rules of a workload nor modifiers of llm-compressor",
                    "a map with `recipe`, or stages with modifiers such as SparseGPTModifier");
  }
  diagnostics.throw_if_any();
}

}  // namespace sparsesim
