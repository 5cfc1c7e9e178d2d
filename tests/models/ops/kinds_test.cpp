#include "models/ops/kinds.h"

#include <doctest/doctest.h>

#include <set>
#include <sstream>
#include <string>

#include "models/ops/registry.h"

using namespace sparsesim;

namespace {

std::set<std::string> words(std::string_view list) {
  std::istringstream stream{std::string(list)};
  std::set<std::string> all;
  for (std::string word; stream >> word;) all.insert(word);
  return all;
}

}  // namespace

TEST_CASE("every kind has a name of its own, formats, and operations of the table") {
  std::set<std::string_view> names;
  for (const SparsityKind& kind : sparsity_kinds()) {
    CAPTURE(kind.name);
    CHECK(names.insert(kind.name).second);
    CHECK_FALSE(kind.description.empty());
    CHECK_FALSE(kind.formats.empty());
    CHECK_FALSE(words(kind.ops).empty());
    CHECK_FALSE(words(kind.workloads).empty());
    for (const std::string& op : words(kind.ops)) CHECK_MESSAGE((find_op_kind(op) != nullptr), op);
  }
}

TEST_CASE("a kernel serves the kinds whose patterns it takes, and no other") {
  Kernel kernel;
  kernel.op = "gemm";
  kernel.patterns = {"2:4"};
  for (const SparsityKind& kind : sparsity_kinds()) CHECK(serves(kernel, kind) == (kind.name == "n-of-m"));
  kernel.op = "elementwise";
  for (const SparsityKind& kind : sparsity_kinds()) CHECK_FALSE(serves(kernel, kind));
}
