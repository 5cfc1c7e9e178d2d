// Numbers with units. A decimal prefix is applied to the text ("1.41 GHz" is the double nearest to 1.41e9), so that
// format_quantity() is exact both ways; binary prefixes and bits scale by powers of two, which is exact anyway.

#include "sim/config/quantity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace sparsesim::config {
namespace {

constexpr int kibi = 10, mebi = 20, gibi = 30, tebi = 40, bits = -3;

// Largest first within a group, because format_quantity() takes the first that fits.
constexpr std::array time_units = {Unit{"s", 0}, Unit{"ms", -3}, Unit{"us", -6}, Unit{"ns", -9}, Unit{"ps", -12}};
constexpr std::array bytes_units = {Unit{"TB", 12},       Unit{"GB", 9},        Unit{"MB", 6},
                                    Unit{"kB", 3},        Unit{"B", 0},         Unit{"TiB", 0, tebi},
                                    Unit{"GiB", 0, gibi}, Unit{"MiB", 0, mebi}, Unit{"KiB", 0, kibi}};
constexpr std::array bandwidth_units = {Unit{"TB/s", 12},       Unit{"GB/s", 9},        Unit{"MB/s", 6},
                                        Unit{"kB/s", 3},        Unit{"B/s", 0},         Unit{"TiB/s", 0, tebi},
                                        Unit{"GiB/s", 0, gibi}, Unit{"MiB/s", 0, mebi}, Unit{"KiB/s", 0, kibi},
                                        Unit{"Tb/s", 12, bits}, Unit{"Gb/s", 9, bits},  Unit{"Mb/s", 6, bits}};
constexpr std::array frequency_units = {Unit{"GHz", 9}, Unit{"MHz", 6}, Unit{"kHz", 3}, Unit{"Hz", 0}};
constexpr std::array cycle_units = {Unit{"cycles", 0}, Unit{"cycle", 0}};
constexpr std::array flop_rate_units = {Unit{"PFLOP/s", 15}, Unit{"TFLOP/s", 12}, Unit{"GFLOP/s", 9},
                                        Unit{"MFLOP/s", 6}, Unit{"FLOP/s", 0}};
constexpr std::array per_cycle_units = {Unit{"/cycle", 0},   Unit{"FLOP/cycle", 0}, Unit{"B/cycle", 0},
                                        Unit{"op/cycle", 0}, Unit{"exp/cycle", 0},  Unit{"task/cycle", 0}};
constexpr std::array energy_units = {Unit{"J", 0}, Unit{"mJ", -3}, Unit{"uJ", -6}, Unit{"nJ", -9}, Unit{"pJ", -12}};
constexpr std::array energy_rate_units = {Unit{"J/B", 0},    Unit{"nJ/B", -9},    Unit{"pJ/B", -12},
                                          Unit{"J/FLOP", 0}, Unit{"nJ/FLOP", -9}, Unit{"pJ/FLOP", -12}};
constexpr std::array power_units = {Unit{"kW", 3}, Unit{"W", 0}, Unit{"mW", -3}};
constexpr std::array rate_units = {Unit{"G/s", 9}, Unit{"M/s", 6}, Unit{"k/s", 3}, Unit{"/s", 0}};
constexpr std::array share_units = {Unit{"", 0}, Unit{"%", -2}};
constexpr std::array plain_units = {Unit{"", 0}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

}  // namespace

std::span<const Unit> unit_table(Dimension dimension) {
  switch (dimension) {
    case Dimension::none:
      return plain_units;
    case Dimension::time:
      return time_units;
    case Dimension::bytes:
      return bytes_units;
    case Dimension::bandwidth:
      return bandwidth_units;
    case Dimension::frequency:
      return frequency_units;
    case Dimension::cycles:
      return cycle_units;
    case Dimension::flop_rate:
      return flop_rate_units;
    case Dimension::per_cycle:
      return per_cycle_units;
    case Dimension::energy:
      return energy_units;
    case Dimension::energy_rate:
      return energy_rate_units;
    case Dimension::power:
      return power_units;
    case Dimension::rate:
      return rate_units;
    case Dimension::share:
      return share_units;
  }
  return plain_units;
}

std::span<const Dimension> dimensions() {
  using enum Dimension;
  static constexpr std::array kAll = {none,  time,      bytes,     bandwidth, frequency, cycles,     rate,
                                      share, per_cycle, flop_rate, power,     energy,    energy_rate};
  return kAll;
}

std::string_view name(Dimension dimension) {
  switch (dimension) {
    case Dimension::none:
      return "number";
    case Dimension::time:
      return "time";
    case Dimension::bytes:
      return "size in bytes";
    case Dimension::bandwidth:
      return "bandwidth";
    case Dimension::frequency:
      return "frequency";
    case Dimension::cycles:
      return "number of cycles";
    case Dimension::flop_rate:
      return "FLOP rate";
    case Dimension::per_cycle:
      return "amount per cycle";
    case Dimension::energy:
      return "energy";
    case Dimension::energy_rate:
      return "energy per byte or FLOP";
    case Dimension::power:
      return "power";
    case Dimension::rate:
      return "rate per second";
    case Dimension::share:
      return "share";
  }
  return "number";
}

std::vector<std::string_view> units(Dimension dimension) {
  std::vector<std::string_view> names;
  for (const Unit& unit : unit_table(dimension))
    if (!unit.name.empty()) names.push_back(unit.name);
  return names;
}

NumberText split_number(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t first = at;
  at = skip_digits(text, at);
  if (at == first) return {};
  const bool leading_zero = at - first > 1 && text[first] == '0';
  bool whole = true;
  if (at < text.size() && text[at] == '.') {
    const std::size_t end = skip_digits(text, at + 1);
    if (end == at + 1) return {};
    at = end;
    whole = false;
  }
  const std::size_t mantissa_end = at;
  int exponent = 0;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    std::size_t digits = at + 1;
    const bool plus = digits < text.size() && text[digits] == '+';
    if (plus) ++digits;
    const auto [end, error] = std::from_chars(text.data() + digits, text.data() + text.size(), exponent);
    if (error == std::errc{} && !(plus && exponent < 0)) {
      at = static_cast<std::size_t>(end - text.data());
      whole = false;
    } else if (error == std::errc::result_out_of_range) {
      return {};
    }
  }
  return {text.substr(0, mantissa_end), exponent, at, whole, leading_zero};
}

std::optional<double> scaled(std::string_view mantissa, int exponent) {
  if (std::abs(exponent) > 10'000) return std::nullopt;
  const std::string shifted = exponent == 0 ? "" : fmt::format("{}e{}", mantissa, exponent);
  const std::string_view text = exponent == 0 ? mantissa : shifted;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<double> parse_quantity(std::string_view text, Dimension dimension) {
  const NumberText number = split_number(text);
  if (number.length == 0 || number.leading_zero) return std::nullopt;
  std::string_view unit = text.substr(number.length);
  const bool spaced = unit.starts_with(' ');
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  if (spaced && unit.empty()) return std::nullopt;
  for (const Unit& known : unit_table(dimension)) {
    if (known.name != unit) continue;
    const std::optional<double> value = scaled(number.mantissa, number.exponent + known.exp10);
    if (!value) return std::nullopt;
    const double result = std::ldexp(*value, known.exp2);
    if (!std::isfinite(result)) return std::nullopt;
    return result == 0.0 ? 0.0 : result;  // never -0
  }
  return std::nullopt;
}

namespace {

/// Shortest decimal digits of value / 10^exp10 that still name `value`, without exponent where that stays readable.
std::string shifted(double value, int exp10) {
  std::array<char, 64> buffer{};
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  const std::string digits(buffer.data(), written.ptr);
  const std::size_t e = digits.find('e');
  const int exponent = std::stoi(digits.substr(e + 1)) - exp10;
  std::string mantissa = digits.substr(0, e);
  const bool negative = mantissa.starts_with('-');
  if (negative) mantissa.erase(0, 1);
  if (mantissa.size() > 1) mantissa.erase(1, 1);  // the point
  const int count = static_cast<int>(mantissa.size());
  std::string text;
  if (exponent >= 0 && exponent < 16) {
    text = mantissa + std::string(static_cast<std::size_t>(std::max(0, exponent + 1 - count)), '0');
    if (count > exponent + 1) text.insert(static_cast<std::size_t>(exponent) + 1, ".");
  } else if (exponent < 0 && exponent > -5) {
    text = "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + mantissa;
  } else {
    text = mantissa.substr(0, 1) + (count > 1 ? "." + mantissa.substr(1) : "") + "e" + std::to_string(exponent);
  }
  return (negative ? "-" : "") + text;
}

}  // namespace

std::string format_quantity(double value, Dimension dimension) {
  if (!std::isfinite(value)) return fmt::format("{}", value);
  if (value == 0.0) value = 0.0;
  const std::span<const Unit> table = unit_table(dimension);
  const auto join = [](std::string number, std::string_view unit) {
    if (unit.empty()) return number;
    return number + (unit.starts_with('/') ? "" : " ") + std::string(unit);
  };
  const Unit* chosen = nullptr;  // the largest decimal unit that keeps it >= 1, else the smallest
  for (const Unit& unit : table) {
    if (unit.exp2 != 0 || unit.name == "%") continue;
    if (!chosen || std::fabs(value) < std::pow(10.0, chosen->exp10)) {
      if (!chosen || unit.exp10 < chosen->exp10) chosen = &unit;
    }
  }
  if (value == 0.0) chosen = &*std::find_if(table.begin(), table.end(), [](const Unit& u) { return u.exp10 == 0; });
  std::string best = join(shifted(value, chosen->exp10), chosen->name);
  for (const Unit& unit : table) {  // 40 MiB rather than 41.94304 MB
    if (unit.exp2 <= 0) continue;
    const double count = std::ldexp(value, -unit.exp2);
    if (std::fabs(count) < 1.0 || count != std::floor(count)) continue;
    std::string text = join(shifted(count, 0), unit.name);
    if (text.size() < best.size()) best = std::move(text);
    break;
  }
  return best;
}

}  // namespace sparsesim::config
