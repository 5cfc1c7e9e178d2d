#include "models/whole/model_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/whole/training_step.h"

namespace sparsesim {
namespace {

using config::Declared;
using config::MapReader;

/// What `read` asks of a map that has this text.
template <class Read>
std::vector<Declared> asked_by(const std::string& text, Read read) {
  config::Diagnostics ignored;
  MapReader map(config::load_text("{" + text + "}", "schema", ignored), ignored);
  read(map);
  return map.declared();
}

/// Adds keys that are not there yet; a key is required if all lists that were added have it so.
void add_keys(std::vector<Declared>& keys, const std::vector<Declared>& more) {
  const bool first = keys.empty();
  for (Declared& key : keys) {
    const auto same = std::find_if(more.begin(), more.end(), [&](const Declared& d) { return d.key == key.key; });
    key.required = key.required && same != more.end() && same->required;
  }
  for (const Declared& key : more) {
    if (std::any_of(keys.begin(), keys.end(), [&](const Declared& d) { return d.key == key.key; })) continue;
    keys.push_back(key);
    keys.back().required = key.required && first;
  }
}

std::vector<Declared> rule_keys() {
  std::vector<Declared> keys;
  for (const std::string& pattern : rule_patterns()) {
    RecipeRule rule;
    rule.pattern = pattern;
    // Keys that are passed on are asked for by name only where they are given.
    const std::string given =
        "block: [1, 1], v: 1, columns: 4, index_bits: 8, equal_rows: true, format: a, quality: a, "
        "setup: a, kernel: a, source: a, overlap: 0, predictor_rank: 1";
    for (const std::string& text : {given, given + ", keep: 1"})
      add_keys(keys, asked_by(text, [&](MapReader& map) {
                 map.required("modules");
                 map.text("pattern");
                 map.text("layers", "");
                 read_rule_keys(map, rule);
               }));
  }
  std::erase_if(keys, [](const Declared& key) { return key.type == "node" && key.key != "modules"; });
  return keys;
}

std::vector<Declared> shape_keys() {
  const auto read = [](MapReader& map) {
    std::string resolved;
    read_shape(map, resolved);
  };
  std::vector<Declared> keys = asked_by("layers: 1, hidden: 1, heads: 1", read);
  for (const char* more : {"experts: {dense_layers: 0}", "weights: fp8"})
    add_keys(keys, asked_by(fmt::format("layers: 1, hidden: 1, heads: 1, {}", more), read));
  return keys;
}

std::vector<Declared> pass_keys() {
  std::vector<Declared> keys;
  for (const char* phase : {"prefill", "decode", "mixed"})
    add_keys(keys, asked_by(fmt::format("phase: {}", phase), [](MapReader& map) {
               std::string resolved;
               read_calls(map, {}, resolved);
             }));
  return keys;
}

std::vector<Declared> training_keys() {
  std::vector<Declared> keys;
  for (const char* given : {"", "mask_update: prune_and_regrow"})
    add_keys(keys, asked_by(given, [](MapReader& map) { read_training_keys(map, {}); }));
  return keys;
}

}  // namespace

std::vector<Declared> model_keys(ModelSection section) {
  switch (section) {
    case ModelSection::model:
      return shape_keys();
    case ModelSection::experts:
      return asked_by("", [](MapReader& map) { read_experts(map, {}); });
    case ModelSection::latent:
      return asked_by("", [](MapReader& map) { read_latent(map); });
    case ModelSection::rule:
      return rule_keys();
    case ModelSection::parallel:
      return asked_by("", [](MapReader& map) { read_parallel(map); });
    case ModelSection::pass:
      return pass_keys();
    case ModelSection::call:
      return asked_by("", [](MapReader& map) { read_call(map); });
    case ModelSection::training:
      return training_keys();
    case ModelSection::exit:
      return asked_by("", [](MapReader& map) { read_exit(map, {}); });
    case ModelSection::pruning:
      return asked_by("", [](MapReader& map) { read_pruning(map, {}); });
    case ModelSection::activity:
      return asked_by("", [](MapReader& map) { read_activity(map, {}); });
  }
  return {};
}

}  // namespace sparsesim
