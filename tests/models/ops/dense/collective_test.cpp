#include "models/ops/dense/collective.h"

#include <doctest/doctest.h>

using namespace sparsesim;

namespace {

Substrate node_of(int devices) {
  Substrate s;
  s.name = "test";
  s.fabric.topology = "switch";
  s.fabric.devices = devices;
  return s;
}

MeasuredOp make_row(const char* op, const char* bytes) {
  MeasuredOp row;
  row.op = op;
  row.devices = 4;
  row.pattern = "dense";
  row.params["bytes"] = bytes;
  return row;
}

}  // namespace

TEST_CASE("a collective is one exchange among its devices, and its own dense twin") {
  const Substrate machine = node_of(8);
  for (const char* name : {"all_to_all", "all_gather", "reduce_scatter", "all_reduce"}) {
    const auto op = collective_from_row(make_row(name, "1048576"));
    CHECK(op->kind() == name);
    CHECK(op->devices() == 4);
    const LowerContext context{machine, {}, 1};
    for (const Program& program : {op->lower(context), op->lower_dense(context)}) {
      REQUIRE(program.stages.size() == 1);
      CHECK(program.stages[0].type == Stage::Type::exchange);
      CHECK(program.stages[0].exchange.algorithm == name);
      CHECK(program.stages[0].exchange.bytes_per_rank == 1048576);
    }
    CHECK(op->sparsity(context).declared == 0);
  }
}

TEST_CASE("more devices than the fabric joins, or none: one clear line") {
  const auto op = collective_from_row(make_row("all_reduce", "64"));
  const Substrate small = node_of(2), alone;
  CHECK_THROWS_WITH_AS(op->lower({small, {}, 1}), doctest::Contains("joins 2 devices"), UnsupportedError);
  CHECK_THROWS_AS(op->lower({alone, {}, 1}), UnsupportedError);
}

TEST_CASE("rows that are no collective are refused with what is wrong") {
  for (const char* bytes : {"", "x", "0", "-5", "12kB", "99999999999999999999"})
    CHECK_THROWS_AS(collective_from_row(make_row("all_reduce", bytes)), UnsupportedError);
  CHECK_THROWS_AS(collective_from_row(make_row("gemm", "64")), UnsupportedError);
  MeasuredOp row = make_row("all_reduce", "64");
  row.params.clear();
  CHECK_THROWS_WITH_AS(collective_from_row(row), doctest::Contains("bytes"), UnsupportedError);
}

TEST_CASE("a workload states bytes with a unit; what is wrong is reported at its place") {
  const auto read = [](const std::string& text, config::Diagnostics& diagnostics) {
    config::MapReader map(config::load_text(text, "test.yaml", diagnostics), diagnostics);
    auto op = read_collective("all_to_all", map);
    map.finish();
    return op;
  };
  config::Diagnostics good, bad;
  const auto op = read("bytes: 2 MiB\ndevices: 4\n", good);
  CHECK(good.empty());
  CHECK(op->devices() == 4);
  CHECK(static_cast<const CollectiveOp&>(*op).bytes() == 2097152);
  read("bytes: 0 B\ndevices: 0\nbites: 3\n", bad);
  CHECK(bad.mistakes().size() == 3);
}
