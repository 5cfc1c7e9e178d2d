#include "models/ops/row_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>

namespace sparsesim {
namespace {

/// A param as a YAML scalar: numbers and words stand as they are, so that they are read as such.
std::string scalar(const std::string& value) {
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '-' || c == '_';
  });
  return plain ? value : config::yaml_text(value);
}

}  // namespace

std::unique_ptr<Op> read_row(const MeasuredOp& row, std::unique_ptr<Op> (*read)(config::MapReader&)) {
  std::string text;
  for (const auto& [key, size] : {std::pair{"m", row.m}, {"n", row.n}, {"k", row.k}})
    if (size > 0) text += fmt::format("{}: {}\n", key, size);
  if (!row.dtype.empty()) text += fmt::format("dtype: {}\n", scalar(row.dtype));
  for (const auto& [key, value] : row.params) text += fmt::format("{}: {}\n", scalar(key), scalar(value));
  try {
    config::Diagnostics diagnostics;
    config::MapReader map(config::load_text(text, row.op, diagnostics), diagnostics);
    auto op = read(map);
    map.finish();
    diagnostics.throw_if_any();
    return op;
  } catch (const config::ConfigError& error) {
    throw UnsupportedError(fmt::format("{}: {}", row.op, error.mistakes().front().message));
  }
}

}  // namespace sparsesim
