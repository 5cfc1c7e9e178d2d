// A quantity that is accepted is finite, and is written so that it reads back to the same double.

#include <cmath>
#include <cstdlib>
#include <string>

#include "sim/config/reader.h"

using namespace sparsesim::config;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (int d = 0; d <= static_cast<int>(Dimension::share); ++d) {
    const auto dimension = static_cast<Dimension>(d);
    const auto value = parse_quantity(text, dimension);
    if (!value) continue;
    if (!std::isfinite(*value)) std::abort();
    if (parse_quantity(format_quantity(*value, dimension), dimension) != value) std::abort();
  }
  return 0;
}
