// The getters of MapReader for texts, choices, lists and maps.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "sim/config/reader.h"
#include "sim/config/scalar.h"

namespace sparsesim::config {
namespace {

/// The text of a scalar; null after reporting lists, maps, nothing and "".
const std::string* read_text(const Node& node, Diagnostics& diagnostics) {
  if (node.type() == Node::Type::scalar && !node.scalar().empty()) return &node.scalar();
  diagnostics.add(node.position(), fmt::format("{} must be text; found {}", node.path(), describe_value(node)));
  return nullptr;
}

std::vector<std::string> to_strings(std::span<const std::string_view> names) { return {names.begin(), names.end()}; }

const std::string* read_choice(const Node& node, std::span<const std::string_view> known, Diagnostics& diagnostics) {
  if (node.type() == Node::Type::scalar && std::find(known.begin(), known.end(), node.scalar()) != known.end()) {
    return &node.scalar();
  }
  const std::string hint = suggest(node.scalar(), to_strings(known));
  diagnostics.add(node.position(), fmt::format("{} cannot be {}", node.path(), describe_value(node)), hint);
  return nullptr;
}

}  // namespace

std::string MapReader::text_or(std::string_view key, bool required, std::string_view fallback) {
  Declared& declared = entry(key);
  const auto node = find(declared, "text", required);
  const std::string* found = node ? read_text(*node, diagnostics_) : nullptr;
  std::string value(found ? *found : fallback);
  declared.returned = Declared::Text{value};
  return value;
}

std::string MapReader::choice_or(std::string_view key, std::span<const std::string_view> known, bool required,
                                 std::string_view fallback) {
  Declared& declared = entry(key);
  const auto node = find(declared, "choice", required);
  const std::string* found = node ? read_choice(*node, known, diagnostics_) : nullptr;
  std::string value(found ? *found : fallback);
  declared.choices = to_strings(known);
  declared.returned = Declared::Text{value};
  return value;
}

std::string MapReader::text(std::string_view key) { return text_or(key, true, ""); }
std::string MapReader::text(std::string_view key, std::string_view fallback) { return text_or(key, false, fallback); }
std::string MapReader::choice(std::string_view key, std::span<const std::string_view> known) {
  return choice_or(key, known, true, known.empty() ? "" : known.front());
}
std::string MapReader::choice(std::string_view key, std::span<const std::string_view> known,
                              std::string_view fallback) {
  return choice_or(key, known, false, fallback);
}

std::vector<Node> MapReader::list(std::string_view key, std::string_view type, std::int64_t most) {
  const auto node = declare(key, type, false);
  if (!node) return {};
  if (node->type() != Node::Type::sequence) {
    diagnostics_.add(node->position(), fmt::format("{} must be a list; found {}", node->path(), describe_value(*node)));
    return {};
  }
  const Children<Node> found = node->items();
  std::vector<Node> items(found.begin(), found.end());
  const auto count = static_cast<std::int64_t>(items.size());
  if (count > most) {
    diagnostics_.add(node->position(),
                     fmt::format("{} has {} items; at most {} are accepted", node->path(), count, most));
    items.clear();
  }
  return items;
}

std::vector<std::int64_t> MapReader::integers(std::string_view key, std::int64_t low, std::int64_t high,
                                              std::int64_t most) {
  std::vector<std::int64_t> values;
  const std::vector<Node> items = list(key, "integers", most);
  for (const Node& item : items) values.push_back(read_integer(item, {}, low, high, diagnostics_).value_or(low));
  if (const auto node = node_.find(key); node && node->type() == Node::Type::sequence && node->items().empty()) {
    diagnostics_.add(node->position(), fmt::format("{} must not be empty", node->path()));
  }
  entry(key).range = Range::between(static_cast<double>(low), static_cast<double>(high));
  entry(key).returned = fmt::format("[{}]", fmt::join(values, ", "));
  return values;
}

std::vector<double> MapReader::numbers(std::string_view key, Range range, std::int64_t most) {
  std::vector<double> values;
  std::vector<std::string> shown;
  for (const Node& item : list(key, "numbers", most)) {
    values.push_back(read_quantity(item, {}, Dimension::none, range, diagnostics_).value_or(harmless(range)));
    shown.push_back(format_number(values.back()));
  }
  entry(key).range = range;
  entry(key).returned = fmt::format("[{}]", fmt::join(shown, ", "));
  return values;
}

std::vector<std::string> MapReader::texts(std::string_view key, std::int64_t most) {
  std::vector<std::string> values;
  std::vector<std::string> shown;
  for (const Node& item : list(key, "texts", most)) {
    const std::string* text = read_text(item, diagnostics_);
    values.push_back(text ? *text : "");
    shown.push_back(yaml_text(values.back()));
  }
  entry(key).returned = fmt::format("[{}]", fmt::join(shown, ", "));
  return values;
}

std::vector<Node> MapReader::maps(std::string_view key, std::int64_t most) {
  std::vector<Node> values;
  for (const Node& item : list(key, "maps", most)) {
    if (item.type() == Node::Type::map) {
      values.push_back(item);
    } else {
      diagnostics_.add(item.position(),
                       fmt::format("{} must be a map (key: value); found {}", item.path(), describe_value(item)));
    }
  }
  return values;
}

std::optional<Node> MapReader::map(std::string_view key) {
  const auto node = declare(key, "map", false);
  if (!node || node->type() == Node::Type::map) return node;
  diagnostics_.add(node->position(),
                   fmt::format("{} must be a map (key: value); found {}", node->path(), describe_value(*node)));
  return std::nullopt;
}

}  // namespace sparsesim::config
