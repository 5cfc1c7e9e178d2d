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

TEST_CASE("the pattern of a measured product decides which operation models it") {
  MeasuredOp row;
  row.op = "gemm";
  row.m = row.n = row.k = 1024;
  row.dtype = "fp16";
  row.sparsity = 0.5;
  row.pattern = "dense";
  CHECK(op_from_row(row)->kind() == "gemm");
  row.pattern = "2:4";
  CHECK(op_from_row(row)->kind() == "spmm");
  row.pattern = "channels";
  CHECK(op_from_row(row)->kind() == "pruned_gemm");
  row.op = "spmm";
  row.pattern = "unstructured";
  CHECK(op_from_row(row)->kind() == "spmm");
  row.params["operand"] = "activations";
  CHECK(op_from_row(row)->kind() == "activation_gemm");
  row = {};
  row.op = "gather_reduce";
  row.dtype = "fp16";
  row.params = {{"rows", "1000000"}, {"dim", "64"}, {"bags", "2048"}, {"pooling", "32"}};
  CHECK(op_from_row(row)->kind() == "embedding_bag");
}

TEST_CASE("a measured product by the transpose stores its units the other way round") {
  MeasuredOp row;
  row.op = "spmm";
  row.m = 64, row.n = 24, row.k = 64;
  row.dtype = "fp16";
  row.pattern = "block";
  row.sparsity = 0.5;
  row.params = {{"block", "16x4"}};
  CHECK_THROWS_AS(op_from_row(row), UnsupportedError);  // 24 rows are no multiple of 16
  row.params["transposed"] = "true";
  CHECK(op_from_row(row)->kind() == "spmm");
}

TEST_CASE("a measured mask of blocks is drawn at the row's sparsity") {
  MeasuredOp row;
  row.op = "attention";
  row.dtype = "bf16";
  row.pattern = "block_mask";
  row.sparsity = 0.9;
  row.params = {{"seq", "4096"}, {"heads", "8"}, {"head_dim", "128"}, {"causal", "0"}, {"block", "128x128"}};
  CHECK(op_from_row(row)->pattern() == "blocks");
  row.pattern = "spiral";
  CHECK_THROWS_AS(op_from_row(row), UnsupportedError);
}
