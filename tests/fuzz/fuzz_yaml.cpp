// Any text is either a tree or a ConfigError; a tree can be walked and read with every getter.

#include <array>
#include <cstdlib>
#include <string>

#include "sim/config/reader.h"

using namespace sparsesim::config;

namespace {

constexpr std::array<std::string_view, 2> known = {"alpha", "beta"};

void walk(const Node& node, Diagnostics& diagnostics) {
  if (node.path().empty() || node.position().line < 1 || node.position().column < 1) std::abort();
  if (node.type() == Node::Type::scalar) {
    read_integer(node, node.path(), -10, 10, diagnostics);
    for (int d = 0; d <= static_cast<int>(Dimension::share); ++d)
      read_quantity(node, node.path(), static_cast<Dimension>(d), Range::positive(), diagnostics);
  }
  for (const Node& item : node.items()) walk(item, diagnostics);
  if (node.type() != Node::Type::map) return;
  MapReader map(node, diagnostics);
  map.text("name");
  map.integer("a", 1, 9);
  map.quantity("b", Dimension::bandwidth, Range::positive(), 1.0);
  map.boolean("c", false);
  map.choice("d", known, "alpha");
  map.integers("e", 0, 9, 4);
  map.texts("f", 4);
  map.maps("g", 4);
  map.finish();
  for (const auto& [key, value] : node.entries()) {
    if (!node.find(key) || node.key_position(key).line < 1) std::abort();
    walk(value, diagnostics);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Diagnostics diagnostics;
  try {
    walk(load_text(std::string(reinterpret_cast<const char*>(data), size), "fuzz.yaml", diagnostics), diagnostics);
    diagnostics.throw_if_any();
  } catch (const ConfigError& error) {
    if (error.mistakes().empty() || std::string_view(error.what()).empty()) std::abort();
  }
  return 0;
}
