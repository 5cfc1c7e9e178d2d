#include "sim/config/reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/config/scalar.h"

namespace sparsesim::config {
namespace {

/// "bandwidth in memory.dram", for messages about a key.
std::string in_path(std::string_view key, const Node& map) { return fmt::format("\"{}\" in {}", key, map.path()); }

/// Whether a number of this dimension needs no unit.
bool is_plain(Dimension dimension) { return dimension == Dimension::none || dimension == Dimension::share; }

/// Numbers between 0 and 1 are shares: they may be written as percentages, too.
Dimension dimension_of_number(const Range& range) {
  return range.low >= 0 && range.high <= 1 ? Dimension::share : Dimension::none;
}

}  // namespace

std::string Declared::value() const {
  if (const auto* number = std::get_if<std::int64_t>(&returned)) return std::to_string(*number);
  if (const auto* text = std::get_if<Text>(&returned)) return yaml_text(text->text);
  if (const auto* yaml = std::get_if<std::string>(&returned)) return *yaml;
  return is_plain(dimension) ? format_number(std::get<double>(returned))
                             : format_quantity(std::get<double>(returned), dimension);
}

MapReader::MapReader(Node node, Diagnostics& diagnostics) : node_(std::move(node)), diagnostics_(diagnostics) {
  is_map_ = node_.type() == Node::Type::map;
  if (is_map_) return;
  diagnostics_.add(node_.position(),
                   fmt::format("{} must be a map (key: value); found {}", node_.path(), describe_value(node_)));
}

Declared& MapReader::entry(std::string_view key) {
  constexpr std::size_t kUsual = 7;  // keys of a number of a machine, the most frequent map
  const auto found = std::find_if(declared_.begin(), declared_.end(), [&](const Declared& d) { return d.key == key; });
  if (found != declared_.end()) return *found;
  if (declared_.empty()) declared_.reserve(kUsual);
  Declared& made = declared_.emplace_back();
  made.key = key;
  return made;
}

std::optional<Node> MapReader::find(Declared& declared, std::string_view type, bool required) {
  const bool reported = declared.required;
  declared.type = type;
  declared.required = required || declared.required;
  std::optional<Node> value = node_.find(declared.key);
  if (!value && required && is_map_ && !reported) {
    diagnostics_.add(node_.key_position(), fmt::format("missing key {}", in_path(declared.key, node_)));
  }
  return value;
}

bool MapReader::has(std::string_view key) { return optional(key).has_value(); }

std::optional<Node> MapReader::optional(std::string_view key) {
  Declared& declared = entry(key);
  return find(declared, declared.type.empty() ? "node" : declared.type, false);
}

std::optional<Node> MapReader::required(std::string_view key) { return declare(key, "node", true); }

std::int64_t MapReader::integer_or(std::string_view key, std::int64_t low, std::int64_t high, bool required,
                                   std::int64_t fallback) {
  std::int64_t result = fallback;
  Declared& declared = entry(key);
  if (const auto node = find(declared, "integer", required)) {
    if (const auto value = read_integer(*node, {}, low, high, diagnostics_)) result = *value;
  }
  declared.range = Range::between(static_cast<double>(low), static_cast<double>(high));
  declared.returned = result;
  return result;
}

double MapReader::quantity_or(std::string_view key, Dimension dimension, Range range, bool required, double fallback) {
  double result = fallback;
  const bool plain = is_plain(dimension);
  Declared& declared = entry(key);
  if (const auto node = find(declared, plain ? "number" : "quantity", required)) {
    if (const auto value = read_quantity(*node, {}, dimension, range, diagnostics_)) result = *value;
  }
  declared.dimension = dimension;
  declared.range = range;
  declared.returned = result;
  return result;
}

std::int64_t MapReader::integer(std::string_view key, std::int64_t low, std::int64_t high) {
  return integer_or(key, low, high, true, low);
}
std::int64_t MapReader::integer(std::string_view key, std::int64_t low, std::int64_t high, std::int64_t fallback) {
  return integer_or(key, low, high, false, fallback);
}
double MapReader::number(std::string_view key, Range range) {
  return quantity_or(key, dimension_of_number(range), range, true, harmless(range));
}
double MapReader::number(std::string_view key, Range range, double fallback) {
  return quantity_or(key, dimension_of_number(range), range, false, fallback);
}
double MapReader::quantity(std::string_view key, Dimension dimension, Range range) {
  return quantity_or(key, dimension, range, true, harmless(range));
}
double MapReader::quantity(std::string_view key, Dimension dimension, Range range, double fallback) {
  return quantity_or(key, dimension, range, false, fallback);
}

bool MapReader::boolean(std::string_view key, bool fallback) {
  bool value = fallback;
  Declared& declared = entry(key);
  if (const auto node = find(declared, "boolean", false)) {
    const bool plain = node->type() == Node::Type::scalar && !node->quoted();
    if (plain && (node->scalar() == "true" || node->scalar() == "false")) {
      value = node->scalar() == "true";
    } else {
      diagnostics_.add(node->position(),
                       fmt::format("{} must be true or false; found {}", node->path(), describe_value(*node)));
    }
  }
  declared.returned = value ? "true" : "false";
  return value;
}

void MapReader::mistake(std::string_view key, std::string message, std::string hint) {
  const std::optional<Node> value = node_.find(key);
  diagnostics_.add(value ? value->position() : node_.key_position(), std::move(message), std::move(hint));
}

void MapReader::mistake(std::string message) { diagnostics_.add(node_.key_position(), std::move(message)); }

void MapReader::finish() {
  std::vector<std::string> known;  // made when it is needed
  for (const auto& [key, value] : node_.entries()) {
    const auto is_it = [&, wanted = std::string_view(key)](const Declared& declared) { return declared.key == wanted; };
    if (std::any_of(declared_.begin(), declared_.end(), is_it)) continue;
    if (known.empty()) {
      for (const Declared& declared : declared_) known.push_back(declared.key);
      std::sort(known.begin(), known.end());
    }
    const std::string hint = diagnostics_.full() ? "" : suggest(key, known);  // beyond the limit only the count matters
    diagnostics_.add(value.key_position(), fmt::format("unknown key {}", in_path(key, node_)), hint);
  }
}

}  // namespace sparsesim::config
