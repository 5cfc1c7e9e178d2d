#pragma once
// What a parameter of a sweep may be: a list of values, or a range (docs/sweep.md).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/reader.h"

namespace sparsesim::sweep {

/// At most so many values of one parameter.
inline constexpr std::int64_t kValuesMost = 1 << 20;

/// Values between two ends, in the unit that the ends are written in.
struct ValueRange {
  double from = 0, to = 0;
  bool logarithmic = false;
  bool whole = false;  // both ends are written without a decimal point: values are rounded to whole numbers
  std::string unit;    // of both ends; empty for plain numbers
  /// The value at a share 0..1 of the way, with the unit.
  std::string at(double share) const;
};

/// A parameter's values as text, as a file would hold them.
struct Values {
  std::vector<std::string> list;         // of a range: its points, equal ones once
  std::optional<ValueRange> range;       // where samples between the points make sense
  std::vector<config::Position> places;  // of each of a list that was written as one
};

/// `[20 MiB, 40 MiB]`, whose items may be lists themselves, a single value, or `{from, to, step}`, `{from, to, points,
/// scale: linear|log}`. With `sampled` a range needs neither step nor points. Errors: reported at their place.
Values read_values(const config::Node& node, std::string_view path, bool sampled, config::Diagnostics& diagnostics);

/// The same from a command line: `A,B,C`, `FROM:TO:STEP`, `log:FROM:TO:POINTS`, as YAML text for read_values().
std::string inline_values(std::string_view text);

/// A value as a number, units in SI base units; nothing for a text.
std::optional<double> numeric(std::string_view text);

}  // namespace sparsesim::sweep
