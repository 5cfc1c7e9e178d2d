#include "sim/config/memory_file.h"

#include <doctest/doctest.h>

#include "sim/config/node.h"

namespace sparsesim::config {
namespace {

TEST_CASE("a text in memory is read like a file, as long as somebody holds it") {
  auto held = hold_in_memory("memory:one", std::make_shared<MemoryText>("ops: [1]\n"));
  Diagnostics diagnostics;
  const Node root = load_file("memory:one", diagnostics);
  CHECK(root.find("ops")->items().size() == 1);
  CHECK(root.position().file == "memory:one");
  held = nullptr;
  CHECK(find_in_memory("memory:one") == nullptr);
  CHECK_THROWS_AS(load_file("memory:one", diagnostics), ConfigError);
}

TEST_CASE("of equal names the first file stays until its last holder lets go") {
  const auto text = [] { return std::dynamic_pointer_cast<const MemoryText>(find_in_memory("memory:two"))->text(); };
  auto first = hold_in_memory("memory:two", std::make_shared<MemoryText>("first"));
  auto second = hold_in_memory("memory:two", std::make_shared<MemoryText>("second"));
  first = nullptr;
  CHECK(text() == "first");
  second = nullptr;
  const auto third = hold_in_memory("memory:two", std::make_shared<MemoryText>("third"));
  CHECK(text() == "third");
}

TEST_CASE("paths are not looked for") { CHECK(find_in_memory("/etc/hostname") == nullptr); }

}  // namespace
}  // namespace sparsesim::config
