// Any text is either measured rows or a ConfigError.

#include <string_view>

#include "validate/compare/measurements.h"

using namespace sparsesim;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  config::Diagnostics diagnostics;
  try {
    read_measurements_text(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.csv", diagnostics);
    diagnostics.throw_if_any();
  } catch (const config::ConfigError&) {
  }
  return 0;
}
