#include "models/ops/registry.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace sparsesim;

TEST_CASE("every operation has a name of its own, a description, and both ways in") {
  std::set<std::string_view> names;
  for (const OpKind& kind : op_kinds()) {
    CAPTURE(kind.name);
    CHECK(names.insert(kind.name).second);
    CHECK_FALSE(kind.description.empty());
    CHECK((kind.read != nullptr));
    CHECK((kind.from_row != nullptr));
    CHECK((find_op_kind(kind.name) == &kind));
  }
  CHECK((find_op_kind("gem") == nullptr));
}

TEST_CASE("a wrong name names the nearest known one") {
  MeasuredOp row;
  row.op = "all_reduse";
  std::string message;
  try {
    op_from_row(row);
  } catch (const UnsupportedError& error) {
    message = error.what();
  }
  CHECK(message.find("did you mean \"all_reduce\"?") != std::string::npos);
}

TEST_CASE("a measured row becomes the operation it names") {
  MeasuredOp row;
  row.op = "gemm";
  row.m = row.n = row.k = 64;
  row.dtype = "bf16";
  row.pattern = "dense";
  CHECK(op_from_row(row)->kind() == "gemm");
  row = {};
  row.op = "all_to_all";
  row.devices = 4;
  row.dtype = "bf16";
  row.pattern = "dense";
  row.params["bytes"] = "1024";
  CHECK(op_from_row(row)->kind() == "all_to_all");
  CHECK(op_from_row(row)->devices() == 4);
}
