#include "models/serving/serve_cells.h"

#include <fmt/format.h>

#include <cmath>

namespace sparsesim {

std::string figure(double value) {
  if (value == std::round(value)) return fmt::format("{:.0f}", value);
  const int digits = std::abs(value) >= 100 ? 1 : std::abs(value) >= 10 ? 2 : 3;
  return fmt::format("{:.{}f}", value, digits);
}

std::string change(double dense, double sparse) {
  if (dense == 0) return sparse == 0 ? "" : "new";
  const double percent = (sparse / dense - 1) * 100;
  return std::abs(percent) < 0.05 ? "0.0 %" : fmt::format("{:+.1f} %", percent);
}

}  // namespace sparsesim
