// Recipes: which parts of which layers have which pattern.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>

#include "models/ops/weights/spmm_formats.h"
#include "models/whole/layers.h"
#include "models/whole/model_keys.h"
#include "models/whole/model_read.h"
#include "models/whole/recipe_check.h"

namespace sparsesim {
namespace {

using config::MapReader;

constexpr std::int64_t kRulesMost = 4096;
const config::Range kShare = config::Range::between(0, 1);

std::vector<std::string> known_words() {
  std::vector<std::string> words;
  for (const ModuleWord& row : module_words()) words.emplace_back(row.word);
  return words;
}

/// Patterns of a rule besides those of sparse products.
constexpr std::array<std::string_view, 7> kOtherPatterns = {"dense",   "channels", "heads",     "experts",
                                                            "removed", "window",   "activation"};

bool is_weight_pattern(const std::string& name) { return name != "n:m" && find_sparse_kind(name) != nullptr; }

bool is_pattern(const std::string& name) {
  const auto known = rule_patterns();
  return is_weight_pattern(name) || std::find(known.begin(), known.end(), name) != known.end();
}

struct LayerRange {
  std::int64_t first = 0, last = 0;
};

/// "0-15", "3", "0-2, 40-79". Empty: not of that form.
std::vector<LayerRange> parse_layers(std::string_view text) {
  std::vector<LayerRange> ranges;
  const char *at = text.data(), *const end = at + text.size();
  while (true) {
    while (at != end && *at == ' ') ++at;
    LayerRange range;
    auto read = std::from_chars(at, end, range.first);
    if (read.ec != std::errc() || range.first < 0) return {};
    range.last = range.first;
    if (read.ptr != end && *read.ptr == '-') {
      read = std::from_chars(read.ptr + 1, end, range.last);
      if (read.ec != std::errc() || range.last < range.first) return {};
    }
    ranges.push_back(range);
    at = read.ptr;
    while (at != end && *at == ' ') ++at;
    if (at == end) return ranges;
    if (*at++ != ',' || static_cast<std::int64_t>(ranges.size()) >= kRulesMost) return {};
  }
}

std::vector<LayerRange> read_layers(MapReader& map, const ModelShape& shape) {
  const std::string all = fmt::format("0-{}", shape.layers - 1);
  const std::string text = map.text("layers", all);
  auto ranges = parse_layers(text);
  if (ranges.empty())
    map.mistake("layers",
                fmt::format("layers are a number, a range or several: 0-15, or 0-2,40-79; found \"{}\"", text));
  for (const LayerRange& range : ranges)
    if (range.last >= shape.layers) {
      map.mistake("layers", fmt::format("there is no layer {}: the model has 0 to {}", range.last, shape.layers - 1));
      ranges.clear();
      break;
    }
  return ranges.empty() ? std::vector<LayerRange>{{0, shape.layers - 1}} : ranges;
}

/// One word, or a list of them.
std::vector<std::string> read_modules(MapReader& map) {
  const auto node = map.required("modules");
  std::vector<std::string> words;
  if (node && node->type() == config::Node::Type::scalar)
    words.push_back(map.text("modules"));
  else if (node)
    words = map.texts("modules", 16);
  if (node && words.empty()) map.mistake("modules", "modules is a word, or a list of words");
  for (const std::string& word : words) {
    if (!modules_of(word).empty()) continue;
    const auto known = known_words();
    const std::string near = config::nearest(word, known);
    map.mistake("modules", fmt::format("no part of a layer is called \"{}\"", word),
                near.empty() ? fmt::format("known: {}", fmt::join(known, ", "))
                             : fmt::format("did you mean \"{}\"? (known: {})", near, fmt::join(known, ", ")));
  }
  return words;
}

/// A key of the op that a rule passes on where it is given; the op checks its value.
void pass_on(MapReader& map, std::string_view key, RecipeRule& rule) {
  constexpr std::array<std::string_view, 4> kIntegers = {"v", "columns", "index_bits", "predictor_rank"};
  if (!map.has(key)) return;
  std::string value;
  if (key == "block")
    value = fmt::format("[{}]", fmt::join(map.integers(key, 1, 4096, 2), ", "));
  else if (key == "equal_rows")
    value = map.boolean(key, false) ? "true" : "false";
  else if (key == "overlap")
    value = config::format_number(map.number(key, kShare));
  else if (std::find(kIntegers.begin(), kIntegers.end(), key) != kIntegers.end())
    value = fmt::format("{}", map.integer(key, 0, std::int64_t{1} << 31));
  else
    value = config::yaml_text(map.text(key));
  rule.keys += fmt::format(", {}: {}", key, value);
}

void add_rules(MapReader& map, RecipeRule rule, const ModelShape& shape, std::vector<RecipeRule>& rules) {
  if (!check_words(map, rule)) return;
  check_kept(map, rule, shape);
  for (const LayerRange& range : read_layers(map, shape)) {
    rule.first = range.first;
    rule.last = range.last;
    check_layers(map, rule, shape);
    if (static_cast<std::int64_t>(rules.size()) == kRulesMost) return;  // reported where the recipe ends
    rules.push_back(rule);
  }
}

void read_rule(const config::Node& node, config::Diagnostics& diagnostics, const ModelShape& shape,
               std::vector<RecipeRule>& rules, std::string& resolved) {
  MapReader map(node, diagnostics);
  RecipeRule rule;
  rule.place = node.position();
  rule.modules = read_modules(map);
  rule.pattern = map.text("pattern");
  const auto known = rule_patterns();
  if (!is_pattern(rule.pattern) && map.has("pattern")) {
    const std::string near = config::nearest(rule.pattern, known);
    map.mistake("pattern", fmt::format("pattern cannot be \"{}\"", rule.pattern),
                near.empty()
                    ? fmt::format("known: {}, and any N:M", fmt::join(known, ", "))
                    : fmt::format("did you mean \"{}\"? (known: {}, and any N:M)", near, fmt::join(known, ", ")));
    read_layers(map, shape);
    return;
  }
  read_rule_keys(map, rule);
  add_rules(map, rule, shape, rules);
  map.finish();
  resolved += "  - modules: [" + fmt::format("{}", fmt::join(rule.modules, ", ")) + "]\n";
  for (const config::Declared& key : map.declared())
    if (key.key != "modules" && !key.value().empty() && key.value() != "\"\"" && key.value() != "[]")
      resolved += fmt::format("    {}: {}\n", key.key, key.value());
}

/// "2:4", "unstructured 0.5", "window 4096": a pattern and its one number.
void read_short_rule(const std::string& word, const config::Node& value, MapReader& top, const ModelShape& shape,
                     std::vector<RecipeRule>& rules, std::string& resolved) {
  const std::string& text = value.scalar();
  const auto blank = text.find(' ');
  const std::string pattern = text.substr(0, blank), number = blank == std::string::npos ? "" : text.substr(blank + 1);
  std::string line = fmt::format("{{modules: [{}], pattern: {}", config::yaml_text(word), config::yaml_text(pattern));
  if (!number.empty())  // anything but a number is quoted, and refused for it
    line += fmt::format(
        ", {}: {}", pattern == "window" ? "window" : "sparsity",
        number.find_first_not_of("0123456789.% ") == std::string::npos ? number : config::yaml_text(number));
  config::Diagnostics own;
  const std::size_t before = rules.size();
  try {
    const config::Node node = config::load_text(line + "}", value.position().file, own);
    read_rule(node, own, shape, rules, resolved);
  } catch (const config::ConfigError&) {
    own.add(value.position(), "expected a pattern and its number, as in \"unstructured 0.5\"");
  }
  for (std::size_t i = before; i < rules.size(); ++i) rules[i].place = value.position();
  for (const config::Mistake& mistake : own.mistakes())
    top.diagnostics().add(value.key_position(), fmt::format("{}: {}", value.path(), mistake.message), mistake.hint);
}

}  // namespace

std::vector<std::string> rule_patterns() {
  std::vector<std::string> names(kOtherPatterns.begin(), kOtherPatterns.end());
  for (const SparseKind& kind : sparse_kinds())
    if (kind.pattern != "n:m") names.emplace_back(kind.pattern);
  return names;
}

void read_rule_keys(MapReader& map, RecipeRule& rule) {
  const std::string& pattern = rule.pattern;
  if (pattern == "window") {
    rule.window = map.integer("window", 1, std::int64_t{1} << 31);
    rule.sinks = map.integer("sinks", 0, std::int64_t{1} << 20, 0);
  } else if (pattern == "channels" || pattern == "heads" || pattern == "experts") {
    if (map.has("keep")) {
      rule.keep = map.integer("keep", 1, std::int64_t{1} << 31);
      if (map.has("sparsity")) map.mistake("sparsity", "give a sparsity, or how many to keep, not both");
      return;
    }
    rule.sparsity = map.number("sparsity", {0, 1, true});
    if (rule.sparsity >= 1) map.mistake("sparsity", fmt::format("no {} would be left", pattern));
  } else if (pattern == "activation") {
    rule.sparsity = map.number("sparsity", kShare);
    for (const char* key : {"source", "overlap", "predictor_rank", "kernel"}) pass_on(map, key, rule);
  } else if (is_weight_pattern(pattern)) {
    rule.masks = map.texts("masks", 3);
    if (pattern == "vnm")
      for (const char* key : {"v", "columns"}) pass_on(map, key, rule);
    if (pattern == "block" || pattern == "vector") pass_on(map, "block", rule);
    if (!is_n_of_m(pattern)) {
      if (rule.masks.empty())
        rule.sparsity = map.number("sparsity", kShare);
      else if (map.has("sparsity"))
        map.mistake("sparsity", "give masks, or a sparsity to draw, not both");
      for (const char* key : {"index_bits", "equal_rows"}) pass_on(map, key, rule);
    }
    for (const char* key : {"format", "quality", "setup", "kernel"}) pass_on(map, key, rule);
  }
}

std::vector<RecipeRule> read_recipe(MapReader& top, const ModelShape& shape, std::string& resolved) {
  std::vector<RecipeRule> rules;
  const auto given = top.optional("recipe");
  if (!given) return rules;
  std::string text;
  if (given->type() == config::Node::Type::map) {
    for (const auto& [word, value] : given->entries()) read_short_rule(word, value, top, shape, rules, text);
  } else if (given->type() == config::Node::Type::sequence) {
    for (const config::Node& node : top.maps("recipe", kRulesMost))
      read_rule(node, top.diagnostics(), shape, rules, text);
  } else {
    top.mistake("recipe", "recipe is a list of rules, or a map of modules to patterns");
  }
  if (static_cast<std::int64_t>(rules.size()) == kRulesMost)
    top.mistake("recipe", fmt::format("a recipe has less than {} rules and ranges of layers", kRulesMost));
  if (!text.empty()) resolved += "recipe:\n" + text;
  return rules;
}

}  // namespace sparsesim
