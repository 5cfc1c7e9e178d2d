#include "models/substrate/reference.h"

#include <fmt/format.h>

#include "models/substrate/substrate.h"

namespace sparsesim {
namespace {

/// One example of each unit; the others are listed in messages and in the JSON Schema.
std::string unit_of(config::Dimension dimension, const std::string& path) {
  if (path.starts_with("power.per_flop.")) return "pJ/FLOP";
  const auto units = config::units(dimension);
  switch (dimension) {
    case config::Dimension::none:
      return "";
    case config::Dimension::share:
      return "0..1 or %";
    case config::Dimension::time:
      return "ns, us";
    case config::Dimension::energy_rate:
      return "pJ/B";
    case config::Dimension::power:
      return "W";
    case config::Dimension::bytes:
      return "B, KiB, GB";
    case config::Dimension::per_cycle:
      return "B/cycle, FLOP/cycle";
    default:
      return std::string(units.front());
  }
}

}  // namespace

std::string substrate_reference() {
  Substrate blank;
  blank.compute.pipes.tensor["DTYPE"].n_of_m["N:M"];
  blank.power.per_flop["DTYPE"];
  std::string out = "| key | unit | needed | meaning |\n|---|---|---|---|\n";
  visit(blank, [&](const std::string& path, const Quantity&, config::Dimension dimension, std::string_view doc,
                   bool required) {
    out += fmt::format("| `{}` | {} | {} | {} |\n", path, unit_of(dimension, path), required ? "yes" : "", doc);
  });
  return out;
}

}  // namespace sparsesim
