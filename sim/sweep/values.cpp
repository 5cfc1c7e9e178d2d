#include "sim/sweep/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "sim/core/counts.h"

namespace sparsesim::sweep {
namespace {

using config::MapReader;
using config::Range;

/// A number and its unit, as written.
struct End {
  double value = 0;
  std::string unit;
  bool whole = false;
};

std::optional<End> parse_end(std::string_view text) {
  End end;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), end.value);
  if (error != std::errc{} || !std::isfinite(end.value)) return std::nullopt;
  const std::string_view number = text.substr(0, static_cast<std::size_t>(rest - text.data()));
  std::string_view unit = text.substr(number.size());
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  end.unit = unit;
  end.whole = unit.empty() && number.find_first_of(".eE") == std::string_view::npos;
  if (!numeric(text)) return std::nullopt;  // a unit that nothing is measured in
  return end;
}

/// Twelve digits: 0.5 + 2 * 0.1 is 0.7, as the user would write it.
double tidy(double value) { return std::strtod(fmt::format("{:.12g}", value).c_str(), nullptr); }

End read_end(MapReader& map, std::string_view key) {
  const auto node = map.required(key);
  if (!node) return {};
  const auto end = parse_end(node->scalar());
  if (!end) map.mistake(key, fmt::format("\"{}\" is no number", node->scalar()));
  return end.value_or(End{});
}

std::vector<std::string> points_of(const ValueRange& range, std::int64_t points) {
  std::vector<std::string> list;
  for (std::int64_t i = 0; i < points; ++i) {
    std::string value = range.at(points > 1 ? real(i) / real(points - 1) : 0);
    if (list.empty() || list.back() != value) list.push_back(std::move(value));
  }
  return list;
}

/// from, from + step, ... up to `to`, which counts as reached within a billionth of a step.
std::vector<std::string> steps_of(const ValueRange& range, double step) {
  std::vector<std::string> list;
  const double count = std::floor((range.to - range.from) / step + 1e-9);
  for (double i = 0; i <= count; ++i)
    list.push_back(range.at(range.to == range.from ? 0 : i * step / (range.to - range.from)));
  return list;
}

/// A value as a file would hold it; nothing for a map. Lists may hold lists: "[16,16]".
std::optional<std::string> text_of(const config::Node& node) {
  using Type = config::Node::Type;
  if (node.type() == Type::scalar) return node.scalar();
  if (node.type() != Type::sequence) return std::nullopt;
  std::vector<std::string> items;
  for (const config::Node& item : node.items()) {
    auto text = text_of(item);
    if (!text) return std::nullopt;
    if (item.type() == Type::scalar && text->find_first_of(",[]{}#\"\\") != std::string::npos)
      text = fmt::format("{:?}", *text);
    items.push_back(std::move(*text));
  }
  return fmt::format("[{}]", fmt::join(items, ","));
}

void read_range(MapReader& map, bool sampled, Values& values) {
  const std::size_t before = map.diagnostics().mistakes().size();
  static constexpr std::array<std::string_view, 2> kScales = {"linear", "log"};
  const End from = read_end(map, "from"), to = read_end(map, "to");
  ValueRange range{from.value, to.value, map.choice("scale", kScales, "linear") == "log", from.whole && to.whole,
                   from.unit};
  const auto step_node = map.optional("step");
  const auto step = step_node ? parse_end(step_node->scalar()) : std::nullopt;
  const std::int64_t points = map.integer("points", 1, kValuesMost, 0);
  if (from.unit != to.unit) map.mistake("to", "from and to must have the same unit");
  if (to.value < from.value) map.mistake("to", "to must not be below from");
  if (range.logarithmic && from.value <= 0) map.mistake("from", "a logarithmic range begins above 0");
  if (step_node && !(step && step->value > 0 && (step->unit == from.unit || step->unit.empty())))
    map.mistake("step", fmt::format("\"{}\" is no step: a number above 0", step_node->scalar()));
  if (step && range.logarithmic) map.mistake("step", "a logarithmic range has points, not steps");
  if (step && points > 0) map.mistake("points", "a range has a step or points, not both");
  if (!step_node && points == 0 && !sampled) map.mistake("a range needs a step or points");
  if (step && step->value > 0 && (to.value - from.value) / step->value >= static_cast<double>(kValuesMost))
    map.mistake("step", fmt::format("more than {} values", kValuesMost));
  map.finish();
  if (map.diagnostics().mistakes().size() > before || map.diagnostics().full()) return;
  range.whole = range.whole && (!step || step->whole);
  values.range = range;
  if (step) values.list = steps_of(range, step->value);
  if (points > 0) values.list = points_of(range, points);
}

}  // namespace

std::string ValueRange::at(double share) const {
  double value = logarithmic ? from * std::pow(to / from, share) : from + share * (to - from);
  value = whole ? std::round(value) : tidy(value);
  return unit.empty() ? config::format_number(value) : fmt::format("{} {}", config::format_number(value), unit);
}

Values read_values(const config::Node& node, std::string_view path, bool sampled, config::Diagnostics& diagnostics) {
  using Type = config::Node::Type;
  Values values;
  const auto wrong = [&](const config::Node& at, std::string_view what) {
    diagnostics.add(at.position(), fmt::format("{} {}", path, what),
                    "write [A, B, C], {from: A, to: B, step: C} or "
                    "{from: A, to: B, points: N, scale: log}");
  };
  if (node.type() == Type::map) {
    MapReader map(node, diagnostics);
    read_range(map, sampled, values);
  } else if (node.type() == Type::scalar) {
    values.list = {node.scalar()};
    values.places = {node.position()};
  } else if (node.type() == Type::sequence && !node.items().empty()) {
    for (const config::Node& item : node.items()) {
      const auto text = text_of(item);
      if (!text) wrong(item, "holds a value that is no number, text or list");
      values.list.push_back(text.value_or(""));
      values.places.push_back(item.position());
    }
  } else {
    wrong(node, "has no values");
  }
  return values;
}

std::string inline_values(std::string_view text) {
  const auto part = [](std::string_view& rest) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const std::string_view piece = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return piece;
  };
  const bool logarithmic = text.starts_with("log:");
  std::string_view rest = logarithmic ? text.substr(4) : text;
  const auto colons = std::count(rest.begin(), rest.end(), ':');
  const std::string_view from = part(rest), to = part(rest), last = rest;
  const bool range = colons == 2 && parse_end(from) && parse_end(to);
  if (!range) return fmt::format("[{}]", text);
  return fmt::format("{{from: {}, to: {}, {}: {}{}}}", from, to, logarithmic ? "points" : "step", last,
                     logarithmic ? ", scale: log" : "");
}

std::optional<double> numeric(std::string_view text) {
  for (const config::Dimension dimension : config::dimensions())
    if (const auto value = config::parse_quantity(text, dimension)) return value;
  return std::nullopt;
}

}  // namespace sparsesim::sweep
