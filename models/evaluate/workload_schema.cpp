// The JSON Schema of the workload language, made from the readers that parse it.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "models/evaluate/workload.h"
#include "models/ops/registry.h"
#include "models/whole/model_keys.h"
#include "sim/config/reader.h"

namespace sparsesim {

namespace {

using config::Declared;
using config::Diagnostics;
using config::MapReader;

nlohmann::ordered_json schema_of(const Declared& key) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  if (key.type == "integer") {
    out["type"] = "integer";
  } else if (key.type == "number") {
    out["type"] = "number";
    if (key.dimension == config::Dimension::share)  // minimum and maximum bind numbers only
      out = {{"type", {"number", "string"}}, {"pattern", "^[0-9][0-9.]* *%$"}};
  } else if (key.type == "boolean") {
    out["type"] = "boolean";
  } else if (key.type == "integers") {
    out = {{"type", "array"}, {"items", {{"type", "integer"}}}};
  } else if (key.type == "numbers") {
    out = {{"type", "array"}, {"items", {{"type", "number"}}}};
  } else if (key.type == "texts") {
    out = {{"type", "array"}, {"items", {{"type", "string"}}}};
  } else if (key.type == "text" || key.type == "choice") {
    out["type"] = "string";
  } else if (key.type == "quantity") {
    out["type"] = nlohmann::ordered_json::array({"string", "number"});
    out["description"] = fmt::format("a number with a unit: {}", fmt::join(config::units(key.dimension), ", "));
  }
  if (!key.choices.empty()) out["enum"] = key.choices;
  if (key.type == "integer" || key.type == "number") {
    if (std::isfinite(key.range.low)) out[key.range.low_open ? "exclusiveMinimum" : "minimum"] = key.range.low;
    if (std::isfinite(key.range.high)) out["maximum"] = key.range.high;
  }
  return out;
}

/// Keys that a kind's reader asks for, given these lines of a map.
std::vector<Declared> declared_by(const OpKind& kind, const std::string& given) {
  Diagnostics ignored;
  MapReader map(config::load_text("{" + given + "}", "schema", ignored), ignored);
  kind.read(map);
  return map.declared();
}

/// Adds keys that are asked for only after certain choices (a pattern, a source), up to two of them deep. Such keys are
/// not required: without the choice they would be mistakes.
void add_chosen_keys(const OpKind& kind, const std::string& given, int depth, std::vector<Declared>& keys) {
  for (const Declared& key : declared_by(kind, given)) {
    const auto known = [&](const Declared& other) { return other.key == key.key; };
    if (std::none_of(keys.begin(), keys.end(), known)) {
      keys.push_back(key);
      keys.back().required = keys.back().required && given.empty();
    }
    if (depth == 0 || given.find(key.key + ": ") != std::string::npos) continue;
    for (const std::string& choice : key.choices)
      add_chosen_keys(kind, fmt::format("{}{}: {}, ", given, key.key, config::yaml_text(choice)), depth - 1, keys);
  }
}

/// Keys that another key stands in for (`seq` where `keys` is given) are not required.
void drop_replaceable(const OpKind& kind, std::vector<Declared>& keys) {
  std::vector<std::string> sizes;
  for (const Declared& key : keys)
    if (key.type == "node" || key.type == "integer") sizes.push_back(key.key);
  for (const std::string& size : sizes) {
    const auto asked = declared_by(kind, size + ": 1");
    const auto needed = [&](const std::string& key) {
      return std::any_of(asked.begin(), asked.end(), [&](const Declared& d) { return d.key == key && d.required; });
    };
    for (Declared& key : keys) key.required = key.required && (key.key == size || needed(key.key));
  }
}

/// One op kind's keys, learned by letting its reader declare them on maps without values.
nlohmann::ordered_json schema_of(const OpKind& kind) {
  std::vector<Declared> keys;
  add_chosen_keys(kind, "", 0, keys);  // in the order of the plain map
  add_chosen_keys(kind, "", 2, keys);
  drop_replaceable(kind, keys);
  nlohmann::ordered_json properties, required = nlohmann::ordered_json::array({"op"});
  properties["name"] = {{"type", "string"}};
  properties["op"] = {{"const", kind.name}, {"description", kind.description}};
  properties["repeat"] = {{"type", "integer"}, {"minimum", 1}};
  properties["bubble"] = {{"type", "integer"}, {"minimum", 0}};
  properties["removed"] = {{"type", "integer"}, {"minimum", 0}};
  for (const char* calls : {"operators", "sparse_operators"})
    properties[calls] = {{"type", "integer"}, {"minimum", 1}, {"description", "docs/models/host.md"}};
  properties["after"] = {{"type", nlohmann::ordered_json::array({"string", "array"})}};
  for (const Declared& key : keys) {
    properties[key.key] = schema_of(key);
    if (key.required) required.push_back(key.key);
  }
  return {{"type", "object"}, {"properties", properties}, {"required", required}, {"additionalProperties", false}};
}

/// A section of a whole model: its keys, and what stands in for those that are no plain values.
nlohmann::ordered_json schema_of(ModelSection section, const nlohmann::ordered_json& nested = {}) {
  nlohmann::ordered_json properties, required = nlohmann::ordered_json::array();
  for (const Declared& key : model_keys(section)) {
    properties[key.key] = nested.contains(key.key) ? nested[key.key] : schema_of(key);
    if (key.required) required.push_back(key.key);
  }
  nlohmann::ordered_json out = {{"type", "object"}, {"properties", properties}};
  if (!required.empty()) out["required"] = required;
  out["additionalProperties"] = false;
  return out;
}

nlohmann::ordered_json recipe_schema() {
  const nlohmann::ordered_json text = {{"type", "string"}};
  const nlohmann::ordered_json words = {{"type", {"string", "array"}}, {"items", text}};
  return {{"oneOf",
           {{{"type", "array"}, {"items", schema_of(ModelSection::rule, {{"modules", words}})}},
            {{"type", "object"}, {"additionalProperties", text}}}}};
}

nlohmann::ordered_json dynamic_schema() {
  const nlohmann::ordered_json draws = {
      {"type", "object"},
      {"properties", {{"draws", {{"type", "integer"}, {"minimum", 1}}}, {"trace", {{"type", "string"}}}}},
      {"additionalProperties", false}};
  return {{"type", "object"},
          {"properties",
           {{"exit", schema_of(ModelSection::exit)},
            {"tokens", schema_of(ModelSection::pruning)},
            {"activation", schema_of(ModelSection::activity)},
            {"routing", draws}}},
          {"additionalProperties", false}};
}

}  // namespace

std::string workload_schema(const std::vector<Declared>& serving) {
  nlohmann::ordered_json kinds = nlohmann::ordered_json::array();
  for (const auto& kind : op_kinds()) kinds.push_back(schema_of(kind));
  nlohmann::ordered_json calls = {{"type", "array"}, {"items", schema_of(ModelSection::call)}};
  nlohmann::ordered_json model = schema_of(ModelSection::model, {{"experts", schema_of(ModelSection::experts)},
                                                                 {"latent", schema_of(ModelSection::latent)}});
  nlohmann::ordered_json one_of = nlohmann::ordered_json::array();
  for (const char* key : {"ops", "model"}) one_of.push_back({{"required", {key}}});
  nlohmann::ordered_json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                                   {"title", "sparsesim workload"},
                                   {"type", "object"},
                                   {"properties",
                                    {{"name", {{"type", "string"}}},
                                     {"title", {{"type", "string"}}},
                                     {"seed", {{"type", "integer"}, {"minimum", 0}}},
                                     {"host", {{"enum", kHostKinds}, {"description", "docs/models/host.md"}}},
                                     {"ops", {{"type", "array"}, {"minItems", 1}, {"items", {{"oneOf", kinds}}}}},
                                     {"model", model},
                                     {"recipe", recipe_schema()},
                                     {"parallel", schema_of(ModelSection::parallel)},
                                     {"dynamic", dynamic_schema()},
                                     {"serving", {{"type", "object"}, {"description", "docs/serving.md"}}},
                                     {"pass", schema_of(ModelSection::pass, {{"calls", calls}})},
                                     {"training", schema_of(ModelSection::training)}}},
                                   {"oneOf", one_of},
                                   {"additionalProperties", false}};
  if (!serving.empty()) {
    nlohmann::ordered_json properties;
    for (const Declared& key : serving) properties[key.key] = schema_of(key);
    schema["properties"]["serving"] = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  }
  return schema.dump(2) + "\n";
}

}  // namespace sparsesim
