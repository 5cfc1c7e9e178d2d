// The section `dynamic` of a workload.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "models/whole/dynamic.h"
#include "models/whole/layers.h"
#include "models/whole/model_keys.h"
#include "models/whole/model_read.h"

namespace sparsesim {
namespace {

using config::MapReader;
using config::Range;

constexpr std::int64_t kDecisionsMost = 64;
constexpr std::int64_t kDrawsMost = 64;

/// `layers` and `shares`, as long as each other.
void read_decisions(MapReader& map, const Model& model, std::vector<std::int64_t>& layers,
                    std::vector<double>& shares) {
  layers = map.integers("layers", 1, std::max<std::int64_t>(1, model.shape.layers - 1), kDecisionsMost);
  shares = map.numbers("shares", Range::between(0, 1), kDecisionsMost);
  for (const char* key : {"layers", "shares"})
    if (!map.has(key)) map.mistake(fmt::format("no {} are given", key));
  if (layers.size() != shares.size())
    map.mistake("shares", fmt::format("{} shares for {} layers", shares.size(), layers.size()));
  if (std::adjacent_find(layers.begin(), layers.end(), std::greater_equal<>()) != layers.end())
    map.mistake("layers", "layers must ascend");
  if (model.parallel.pipeline > 1)
    map.mistake("layers", "with stages of a pipeline nobody leaves between layers: not modelled");
}

/// The map at `key` with a reader of its own; `read` gets it.
template <class Read>
void read_part(MapReader& map, std::string_view key, std::string& text, Read read) {
  const auto node = map.map(key);
  if (!node) return;
  MapReader part(*node, map.diagnostics());
  read(part);
  part.finish();
  text += fmt::format("  {}:\n{}", key, declared_text(part, "    "));
}

}  // namespace

ModelExit read_exit(MapReader& map, const Model& model) {
  ModelExit exit;
  read_decisions(map, model, exit.layers, exit.shares);
  exit.classes = map.integer("classes", 0, 1 << 20, 0);
  double sum = 0;
  for (const double share : exit.shares) sum += share;
  if (sum > 1 + 1e-9) map.mistake("shares", fmt::format("shares of {:g} in all: at most 1", sum));
  if (model.shape.kind == ModelKind::encoder) map.mistake("an encoder generates no tokens that could leave");
  return exit;
}

ModelPruning read_pruning(MapReader& map, const Model& model) {
  ModelPruning tokens;
  read_decisions(map, model, tokens.layers, tokens.shares);
  tokens.spread = map.number("spread", Range::between(0, 1), 0);
  if (std::adjacent_find(tokens.shares.begin(), tokens.shares.end(), std::less<>()) != tokens.shares.end())
    map.mistake("shares", "shares are of the first tokens: they descend");
  return tokens;
}

ModelActivity read_activity(MapReader& map, const Model& model) {
  ModelActivity activity;
  activity.sparsity = map.number("sparsity", Range::between(0, 1));
  activity.spread = map.number("spread", Range::between(0, 1), 0);
  activity.overlap = map.number("overlap", Range::between(0, 1), 0);
  activity.modules = map.texts("modules", 8);
  if (activity.modules.empty()) activity.modules = {"mlp.down"};
  for (const std::string& word : activity.modules) {
    const auto parts = modules_of(word);
    const auto none = [](Module part) { return part == Module::scores || part == Module::head; };
    if (parts.empty() || std::any_of(parts.begin(), parts.end(), none))
      map.mistake("modules", fmt::format("\"{}\" is no product of a layer", word),
                  "attention.qkv, attention.output, mlp.gate_up, mlp.down, attention, mlp, all");
  }
  if (model.shape.kind == ModelKind::encoder) map.mistake("an encoder generates no tokens");
  return activity;
}

void read_routes(MapReader& map, const Model& model, ModelDynamics& dynamics) {
  const std::string trace = map.text("trace", "");
  dynamics.routing_draws = trace.empty() ? map.integer("draws", 1, kDrawsMost, 8) : 1;
  if (!model.shape.experts) return map.mistake("the model has no experts");
  if (trace.empty()) return;
  if (map.has("draws")) map.mistake("draws", "give draws, or a trace, not both");
  if (model.parallel.pipeline > 1)
    map.mistake("trace", "with stages of a pipeline recorded routes would make them unequal: not modelled");
  for (const RecipeRule& rule : model.recipe)
    if (rule.pattern == "experts")
      map.mistake("trace", "the routes are those of all experts, of which the recipe keeps some: not modelled");
  RoutedLayers routed{{}, model.shape.experts->count, model.shape.experts->top_k};
  for (std::int64_t layer = 0; layer < model.shape.layers; ++layer)
    if (has_experts(model.shape, layer)) routed.layers.push_back(layer);
  const auto folder = std::filesystem::path(map.node().position().file).parent_path();
  try {
    dynamics.routes = read_route_steps((folder / trace).string(), routed, map.diagnostics());
  } catch (const config::ConfigError& error) {  // the file: named where it is asked for
    map.mistake("trace", fmt::format("{}: {}", trace, error.mistakes().back().message), error.mistakes().back().hint);
  }
}

ModelDynamics read_dynamics(MapReader& top, const Model& model, std::string& resolved) {
  ModelDynamics dynamics;
  const auto given = top.map("dynamic");
  if (!given) return dynamics;
  dynamics.place = top.node().key_position("dynamic");
  MapReader map(*given, top.diagnostics());
  std::string text;
  read_part(map, "exit", text, [&](MapReader& part) { dynamics.exit = read_exit(part, model); });
  read_part(map, "tokens", text, [&](MapReader& part) { dynamics.tokens = read_pruning(part, model); });
  read_part(map, "activation", text, [&](MapReader& part) { dynamics.activation = read_activity(part, model); });
  read_part(map, "routing", text, [&](MapReader& part) { read_routes(part, model, dynamics); });
  map.finish();
  resolved += "dynamic:\n" + text;
  return dynamics;
}

}  // namespace sparsesim
