#include "sim/config/scalar.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <cmath>

#include "sim/config/quantity.h"

namespace sparsesim::config {
namespace {

constexpr std::size_t shown_bytes_max = 60;
constexpr std::size_t shown_names_max = 40;

std::string hint_for_unit(std::string_view text, Dimension dimension) {
  const std::vector<std::string_view> known = units(dimension);
  const NumberText number = split_number(text);
  std::string_view unit = text.substr(number.length);
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  std::vector<std::string> names(known.begin(), known.end());
  if (number.length == 0) return fmt::format("a number, then one of: {}", fmt::join(names, ", "));
  if (unit.empty()) return fmt::format("the unit is missing (known: {})", fmt::join(names, ", "));
  for (const std::string& name : names)  // "GB" for a bandwidth: most likely the rest was forgotten
    if (unit.size() < name.size() && name.starts_with(unit)) {
      return fmt::format("did you mean \"{}\"? (known: {})", name, fmt::join(names, ", "));
    }
  return suggest(unit, names);
}

/// Why a text is no number at all, or nothing if its number is fine as such.
std::optional<std::string> number_problem(std::string_view text, const NumberText& number) {
  if (number.leading_zero) return "a leading zero is ambiguous: some readers take it for octal";
  if (number.length > 0 || text.empty()) return std::nullopt;
  const std::string near = nearest(text, std::vector<std::string>{".nan", "nan", "inf", ".inf", "-.inf", "-inf"});
  if (near.size() == text.size()) return "the value must be finite";
  return std::nullopt;
}

void report(const Node& node, std::string message, std::string hint, Diagnostics& diagnostics) {
  diagnostics.add(node.position(), std::move(message), std::move(hint));
}

std::string name_of(const Node& node, std::string_view what) { return what.empty() ? node.path() : std::string(what); }

bool in_range(double value, Range range) {
  return value <= range.high && (range.low_open ? value > range.low : value >= range.low);
}

}  // namespace

std::string describe_value(const Node& node) {
  switch (node.type()) {
    case Node::Type::null:
      return "nothing";
    case Node::Type::sequence:
      return "a list";
    case Node::Type::map:
      return "a map";
    case Node::Type::scalar:
      break;
  }
  const std::string& text = node.scalar();
  if (text.size() <= shown_bytes_max) return fmt::format("\"{}\"", text);
  std::size_t end = shown_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return fmt::format("\"{}...\"", text.substr(0, end));
}

std::string describe_range(Range range, Dimension dimension) {
  const auto show = [&](double limit) { return format_quantity(limit, dimension); };
  const bool bounded_below = std::isfinite(range.low);
  const bool bounded_above = std::isfinite(range.high);
  const std::string_view from = range.low_open ? "more than " : "at least ";
  if (bounded_below && bounded_above) {
    if (range.low_open) return fmt::format("more than {}, at most {}", show(range.low), show(range.high));
    return fmt::format("{} to {}", show(range.low), show(range.high));
  }
  if (bounded_below) return fmt::format("{}{}", from, show(range.low));
  if (bounded_above) return fmt::format("at most {}", show(range.high));
  return "any finite number";
}

double harmless(Range range) {
  if (!std::isfinite(range.low)) return std::isfinite(range.high) ? std::min(range.high, 0.0) : 0.0;
  if (!range.low_open) return range.low;
  return std::min(range.high, range.low + 1.0);
}

std::string suggest(std::string_view word, const std::vector<std::string>& known) {
  const std::string near = nearest(word, known);
  const std::size_t shown = std::min(known.size(), shown_names_max);
  const std::string list = fmt::format("{}{}", fmt::join(known.begin(), known.begin() + static_cast<long>(shown), ", "),
                                       shown < known.size() ? ", ..." : "");
  if (known.empty()) return "nothing is known here";
  if (near.empty()) return fmt::format("known: {}", list);
  return fmt::format("did you mean \"{}\"? (known: {})", near, list);
}

std::optional<std::int64_t> read_integer(const Node& node, std::string_view what, std::int64_t low, std::int64_t high,
                                         Diagnostics& diagnostics) {
  const auto expected = [&] {  // only for mistakes: most values are fine
    const std::string accepted = high == std::numeric_limits<std::int64_t>::max() ? fmt::format("at least {}", low)
                                                                                  : fmt::format("{} to {}", low, high);
    return fmt::format("{} must be an integer, {}; found {}", name_of(node, what), accepted, describe_value(node));
  };
  if (node.type() != Node::Type::scalar) {
    report(node, expected(), "", diagnostics);
    return std::nullopt;
  }
  const std::string& text = node.scalar();
  const NumberText number = split_number(text);
  std::string hint;
  if (const auto problem = number_problem(text, number)) {
    hint = *problem;
  } else if (node.quoted() && number.length == text.size() && number.length > 0) {
    hint = "remove the quotes";
  } else if (number.length == text.size() && number.length > 0 && number.whole) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc{} && end == text.data() + text.size() && value >= low && value <= high) return value;
    if (error == std::errc::result_out_of_range)
      hint = fmt::format("at most {} in size", std::numeric_limits<std::int64_t>::max());
  } else if (number.length > 0 && number.length < text.size()) {
    hint = "no unit and no separator belongs here";
  } else if (number.length > 0) {
    hint = "write all digits, without point or exponent";
  }
  report(node, expected(), hint, diagnostics);
  return std::nullopt;
}

std::optional<double> read_quantity(const Node& node, std::string_view what, Dimension dimension, Range range,
                                    Diagnostics& diagnostics) {
  const bool plain = dimension == Dimension::none || dimension == Dimension::share;
  const auto expected = [&] {
    return fmt::format("{} must be a {}{}, {}; found {}", name_of(node, what), name(dimension),
                       plain ? "" : " with a unit", describe_range(range, dimension), describe_value(node));
  };
  if (node.type() != Node::Type::scalar) {
    report(node, expected(), "", diagnostics);
    return std::nullopt;
  }
  const std::string& text = node.scalar();
  const NumberText number = split_number(text);
  std::string hint;
  if (const auto problem = number_problem(text, number)) {
    hint = *problem;
  } else if (node.quoted() && plain) {
    hint = "remove the quotes";
  } else if (const std::optional<double> value = parse_quantity(text, dimension)) {
    if (in_range(*value, range)) return *value;
  } else if (number.length > 0 && !scaled(number.mantissa, number.exponent)) {
    hint = "the number is too large or too small to be represented";
  } else if (dimension == Dimension::none) {
    hint = number.length > 0 ? "no unit belongs here" : "";
  } else {
    hint = hint_for_unit(text, dimension);
  }
  report(node, expected(), hint, diagnostics);
  return std::nullopt;
}

std::string format_number(double value) {
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value == 0.0 ? 0.0 : value);
  return {buffer.data(), result.ptr};
}

std::string yaml_text(std::string_view text) {
  const auto plain = [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/' || c == '+';
  };
  static constexpr std::array<std::string_view, 10> reserved = {"true", "false", "null", "yes", "no",
                                                                "on",   "off",   "y",    "n",   "~"};
  bool quote = text.empty() || !((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z'));
  for (const char c : text) quote = quote || !(plain(c) || c == ' ');
  quote = quote || text.ends_with(' ');
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  for (const std::string_view word : reserved) quote = quote || lower == word;
  if (!quote) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace sparsesim::config
