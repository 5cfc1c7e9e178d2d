#include "models/whole/model_read.h"

#include <fmt/format.h>

#include <array>

#include "models/ops/attention/attention.h"
#include "models/ops/limits.h"
#include "models/sparsity/routing/routing.h"
#include "models/whole/dynamic.h"
#include "models/whole/model_keys.h"
#include "models/whole/recipe_check.h"

namespace sparsesim {
namespace {

using config::MapReader;

constexpr std::int64_t kLayersMost = 1024;
constexpr std::int64_t kSizeMost = kLayerExtentMost;
constexpr std::int64_t kDevicesMost = 65536;
constexpr std::int64_t kCallsMost = 64;

bool all_layers_have_experts(const ModelShape& shape) {
  return shape.experts && shape.experts->dense_layers == 0 && shape.experts->every == 1;
}

/// A map at `key` with a reader of its own; `read` gets it. Returns what to print of it.
template <class Read>
std::string read_nested(MapReader& map, std::string_view key, std::string_view indent, Read read) {
  const auto node = map.map(key);
  if (!node) return {};
  MapReader nested(*node, map.diagnostics());
  read(nested);
  nested.finish();
  return fmt::format("{}{}:\n{}", indent, key, declared_text(nested, std::string(indent) + "  "));
}

void check_heads(MapReader& map, const ModelShape& shape) {
  if (shape.latent) {
    for (const char* key : {"kv_heads", "head_dim"})
      if (map.has(key)) map.mistake(key, fmt::format("with latent attention there is no {}", key));
    return;
  }
  if (map.has("heads") && shape.heads % shape.kv_heads != 0)  // a missing one is a mistake of its own
    map.mistake("kv_heads", fmt::format("heads ({}) must be a multiple of kv_heads ({})", shape.heads, shape.kv_heads));
}

/// What devices cannot share. Reported at `parallel`, where the number of devices stands.
void check_parallel(MapReader& map, const ModelShape& shape, const ModelParallel& p) {
  const auto tensor = [&](std::string_view what, std::int64_t value) {
    if (p.tensor > 1 && value % p.tensor != 0)
      map.mistake("tensor", fmt::format("{} devices cannot divide {} {}", p.tensor, value, what));
  };
  tensor("heads", shape.heads);
  if (!shape.latent && shape.kv_heads % p.tensor != 0 && p.tensor % shape.kv_heads != 0)
    map.mistake("tensor", fmt::format("{} devices cannot divide or copy {} key heads", p.tensor, shape.kv_heads));
  if (!all_layers_have_experts(shape)) tensor("channels (intermediate)", shape.intermediate);
  if (shape.experts && p.expert == 1) tensor("channels of an expert", shape.experts->intermediate);
  if (p.pipeline > shape.layers)
    map.mistake("pipeline", fmt::format("{} stages for {} layers", p.pipeline, shape.layers));
  if (p.expert == 1) return;
  if (!shape.experts) return map.mistake("expert", "the model has no experts");
  if (shape.experts->count % p.expert != 0)
    map.mistake("expert", fmt::format("{} experts cannot be spread over {} devices", shape.experts->count, p.expert));
  if (p.expert % p.tensor != 0)
    map.mistake("expert", fmt::format("expert ({}) must be a multiple of tensor ({}): groups of tensor devices share "
                                      "the experts",
                                      p.expert, p.tensor));
}

void check_call(MapReader& map, const Model& model, const AttentionCall& call) {
  if (call.queries > call.keys)
    map.mistake("keys", fmt::format("{} queries cannot follow {} keys", call.queries, call.keys));
  if (model.shape.kind == ModelKind::encoder && call.queries != call.keys)
    map.mistake("keys", "an encoder has as many queries as keys");
  const ModelParallel& p = model.parallel;
  const std::int64_t parts = p.data * std::max<std::int64_t>(1, p.expert / p.tensor);
  if (call.queries > 1 && call.batch % parts != 0)
    map.mistake("batch", fmt::format("batch ({}) must be a multiple of the {} groups of devices that divide it",
                                     call.batch, parts));
  if (static_cast<double>(call.batch) * static_cast<double>(call.queries) > static_cast<double>(kSizeMost))
    map.mistake("batch", fmt::format("{} x {} tokens in one pass, at most {}", call.batch, call.queries, kSizeMost));
}

/// A map without entries, for a key that is absent: its defaults hold.
config::Node nothing(config::Diagnostics& diagnostics, const std::string& file) {
  return config::load_text("{}", file, diagnostics);
}

}  // namespace

ModelExperts read_experts(MapReader& map, const ModelShape& shape) {
  ModelExperts e;
  e.count = map.integer("count", 1, 1 << 16);
  e.top_k = map.integer("top_k", 1, 1 << 16);
  e.intermediate = map.integer("intermediate", 1, kSizeMost);
  e.shared = map.integer("shared", 0, 1 << 10, 0);
  e.dense_layers = map.integer("dense_layers", 0, kLayersMost, 0);
  e.every = map.integer("every", 1, kLayersMost, 1);
  e.routing = map.text("routing", "balanced");
  if (e.top_k > e.count) map.mistake("top_k", fmt::format("top_k {} of {} experts", e.top_k, e.count));
  if (e.dense_layers >= shape.layers)
    map.mistake("dense_layers",
                fmt::format("dense_layers ({}) of {} layers leave none with experts", e.dense_layers, shape.layers));
  try {
    parse_routing(e.routing);
  } catch (const RoutingError& error) {
    map.mistake("routing", error.what());
  }
  return e;
}

ModelLatent read_latent(MapReader& map) {
  ModelLatent latent;
  latent.kv_rank = map.integer("kv_rank", 1, kSizeMost);
  latent.query_rank = map.integer("query_rank", 0, kSizeMost, 0);
  latent.nope_dim = map.integer("nope_dim", 1, 1024);
  latent.rope_dim = map.integer("rope_dim", 1, 1024);
  latent.value_dim = map.integer("value_dim", 1, 1024);
  return latent;
}

ModelShape read_shape(MapReader& map, std::string& resolved) {
  static constexpr std::array<std::string_view, 2> kKinds = {"decoder", "encoder"};
  static constexpr std::array<std::string_view, 3> kTypes = {"bf16", "fp16", "fp32"};
  ModelShape shape;
  shape.kind = map.choice("kind", kKinds, "decoder") == "encoder" ? ModelKind::encoder : ModelKind::decoder;
  const bool decoder = shape.kind == ModelKind::decoder;
  shape.layers = map.integer("layers", 1, kLayersMost);
  shape.hidden = map.integer("hidden", 1, kSizeMost);
  std::string parts = read_nested(map, "experts", "  ", [&](MapReader& m) { shape.experts = read_experts(m, shape); });
  parts += read_nested(map, "latent", "  ", [&](MapReader& m) { shape.latent = read_latent(m); });
  shape.intermediate = all_layers_have_experts(shape) ? map.integer("intermediate", 0, kSizeMost, 0)
                                                      : map.integer("intermediate", 1, kSizeMost);
  shape.heads = map.integer("heads", 1, 65536);
  if (!shape.latent) {
    shape.kv_heads = map.integer("kv_heads", 1, 65536, shape.heads);
    shape.head_dim = shape.hidden % shape.heads == 0 ? map.integer("head_dim", 1, 1024, shape.hidden / shape.heads)
                                                     : map.integer("head_dim", 1, 1024);
  } else {
    shape.kv_heads = shape.heads;
  }
  check_heads(map, shape);
  shape.gated = map.boolean("gated", decoder);
  shape.vocabulary = map.integer("vocabulary", 0, kSizeMost, 0);
  shape.embeddings = map.integer("embeddings", 0, kSizeMost, decoder ? shape.vocabulary : 0);
  shape.tied = map.boolean("tied", false);
  shape.window = map.integer("window", 0, kExtentMost, 0);
  shape.dtype = map.choice("dtype", kTypes, "bf16");
  shape.kv_dtype = read_kv_dtype(map, shape.dtype);
  if (!shape.kv_dtype.empty() && (shape.latent || !decoder))
    map.mistake("kv_dtype", decoder ? "latent vectors are kept in dtype" : "an encoder keeps no keys and values");
  shape.weights = read_scaled_weights(map, shape.dtype);
  if (!decoder && shape.window > 0)
    map.mistake("window", "an encoder sees every token: a window is a rule of a recipe");
  resolved += fmt::format("model:\n{}{}", declared_text(map, "  "), parts);
  return shape;
}

ModelParallel read_parallel(MapReader& map) {
  ModelParallel parallel;
  parallel.tensor = map.integer("tensor", 1, 1024, 1);
  parallel.expert = map.integer("expert", 1, 1024, 1);
  parallel.pipeline = map.integer("pipeline", 1, 1024, 1);
  parallel.data = map.integer("data", 1, kDevicesMost, 1);
  return parallel;
}

AttentionCall read_call(MapReader& map) {
  AttentionCall call;
  call.batch = map.integer("batch", 1, kSizeMost, 1);
  call.queries = map.integer("queries", 1, kSizeMost);
  call.keys = map.integer("keys", 1, kExtentMost, call.queries);
  return call;
}

Pass read_calls(MapReader& map, const Model& model, std::string& resolved) {
  static constexpr std::array<std::string_view, 3> kPhases = {"prefill", "decode", "mixed"};
  const bool encoder = model.shape.kind == ModelKind::encoder;
  const std::string phase = map.choice("phase", std::span(kPhases).first(encoder ? 1 : 3), "prefill");
  Pass pass;
  std::string list;
  if (phase == "mixed") {
    for (const config::Node& node : map.maps("calls", kCallsMost)) {
      MapReader one(node, map.diagnostics());
      pass.calls.push_back(read_call(one));
      check_call(one, model, pass.calls.back());
      one.finish();
      list += fmt::format("    - {{batch: {}, queries: {}, keys: {}}}\n", pass.calls.back().batch,
                          pass.calls.back().queries, pass.calls.back().keys);
    }
    if (pass.calls.empty()) map.mistake("calls", "a mixed pass needs calls: a list of {batch, queries, keys}");
    list = "    calls:\n" + list;
    list.erase(0, 2);
  } else {
    AttentionCall call;
    call.batch = map.integer("batch", 1, kSizeMost, 1);
    if (phase == "prefill")
      call.queries = map.integer("seq", 1, kSizeMost, 2048);
    else if (map.has("seq"))
      map.mistake("seq", "seq is of phase: prefill; a decode step has one new token per sequence, and keys known ones");
    call.keys = map.integer("keys", 1, kExtentMost, phase == "prefill" ? call.queries : 2048);
    check_call(map, model, call);
    pass.calls.push_back(call);
  }
  if (pass.tokens() > kSizeMost)
    map.mistake("phase", fmt::format("{} tokens in one pass, at most {}", pass.tokens(), kSizeMost));
  resolved += fmt::format("pass:\n{}{}", declared_text(map, "  "), list);
  return pass;
}

std::string declared_text(const MapReader& map, std::string_view indent) {
  std::string text;
  for (const config::Declared& key : map.declared())
    if (!key.value().empty() && key.value() != "\"\"" && key.value() != "[]")
      text += fmt::format("{}{}: {}\n", indent, key.key, key.value());
  return text;
}

Model read_model(MapReader& top, std::string& resolved) {
  Model model;
  config::Diagnostics quiet;
  const std::string file = top.node().position().file;
  const auto given = top.required("model");
  MapReader map(given ? *given : nothing(quiet, file), given ? top.diagnostics() : quiet);
  model.shape = read_shape(map, resolved);
  map.finish();
  model.recipe = read_recipe(top, model.shape, resolved);
  const auto parallel = top.map("parallel");
  MapReader devices(parallel ? *parallel : nothing(quiet, file), top.diagnostics());
  model.parallel = read_parallel(devices);
  if (given) check_parallel(devices, model.shape, model.parallel);
  if (given && top.diagnostics().empty()) check_pruning(top.diagnostics(), model);
  devices.finish();
  resolved += "parallel:\n" + declared_text(devices, "  ");
  if (given) model.dynamics = read_dynamics(top, model, resolved);
  return model;
}

Pass read_pass(MapReader& top, const Model& model, std::string& resolved) {
  config::Diagnostics quiet;
  const auto given = top.map("pass");
  MapReader map(given ? *given : nothing(quiet, top.node().position().file), top.diagnostics());
  Pass pass = read_calls(map, model, resolved);
  map.finish();
  return pass;
}

ModelRun read_model_run(MapReader& top) {
  ModelRun run;
  run.model = read_model(top, run.resolved);
  if (!top.has("training")) {
    run.pass = read_pass(top, run.model, run.resolved);
    return run;
  }
  if (top.map("pass")) top.mistake("pass", "give a pass, or training, not both");
  if (run.model.dynamics.any()) top.mistake("dynamic", "no token leaves a training step on the way: give a pass");
  if (run.model.shape.weights.any())
    top.mistake("training", fmt::format("no model of training with weights in {}", run.model.shape.weights.type));
  run.training = read_training(top, run.model, run.resolved);
  return run;
}

}  // namespace sparsesim
