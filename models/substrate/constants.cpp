#include "models/substrate/constants.h"

#include <fmt/format.h>

#include <cmath>

namespace sparsesim {
namespace {

/// Sizes of caches and memories are powers of two times a small number; those read best in binary units.
std::string display_bytes(double bytes) {
  constexpr std::array<std::pair<double, const char*>, 3> kUnits = {
      {{1024.0 * 1024 * 1024, "GiB"}, {1024.0 * 1024, "MiB"}, {1024.0, "KiB"}}};
  for (const auto& [unit, symbol] : kUnits) {
    const double halves = bytes / unit * 2;
    if (bytes >= unit && halves == std::floor(halves)) return fmt::format("{} {}", bytes / unit, symbol);
  }
  return config::format_quantity(bytes, config::Dimension::bytes);
}

}  // namespace

std::vector<Constant> constants(const Substrate& substrate) {
  std::vector<Constant> list;
  visit(substrate, [&](const std::string& path, const Quantity& quantity, config::Dimension dimension,
                       std::string_view doc, bool) {
    if (quantity.given()) list.push_back({path, quantity, dimension, std::string(doc)});
  });
  return list;
}

std::array<int, 4> provenance_counts(const Substrate& substrate) {
  std::array<int, 4> counts{};
  for (const Constant& constant : constants(substrate)) ++counts[static_cast<std::size_t>(constant.quantity.kind)];
  return counts;
}

std::string display(double value, config::Dimension dimension, const std::string& path) {
  if (dimension == config::Dimension::none) return fmt::format("{}", value);
  if (dimension == config::Dimension::bytes) return display_bytes(value);
  std::string text = config::format_quantity(value, dimension);
  const bool per_flop = path.rfind("power.per_flop.", 0) == 0;
  if (per_flop && text.ends_with("/B")) text.replace(text.size() - 2, 2, "/FLOP");
  return text;
}

}  // namespace sparsesim
