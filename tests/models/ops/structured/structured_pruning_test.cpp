// Laws of structured pruning: what is left is dense at a smaller size, and pays for the granules that it does not fill.

#include "models/ops/structured/structured_pruning.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "models/compute/player.h"
#include "models/ops/dense/gemm.h"
#include "models/ops/registry.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

MeasuredOp row(std::map<std::string, std::string> params) {
  MeasuredOp row;
  row.op = "pruned_gemm";
  row.m = row.n = row.k = 4096;
  row.dtype = "bf16";
  row.params = std::move(params);
  return row;
}

double seconds(const Program& program) {
  double sum = 0;
  for (const Stage& stage : program.stages) sum += play(*stage.launch, a100(), {}).time.seconds();
  return sum;
}

double pruned_seconds(const MeasuredOp& row) { return seconds(op_from_row(row)->lower({a100(), {}, 1})); }

double gemm_seconds(std::int64_t n, std::int64_t k) {
  return play(lower_gemm(4096, n, k, "bf16", a100(), {}), a100(), {}).time.seconds();
}

}  // namespace

TEST_CASE("a pruned product takes exactly the time of the product of the kept size") {
  CHECK(pruned_seconds(row({{"kept_outputs", "3072"}})) == gemm_seconds(3072, 4096));
  CHECK(pruned_seconds(row({{"kept_outputs", "3000"}, {"kept_inputs", "1000"}})) == gemm_seconds(3000, 1000));
  CHECK(seconds(op_from_row(row({{"kept_outputs", "3072"}}))->lower_dense({a100(), {}, 1})) ==
        gemm_seconds(4096, 4096));
}

TEST_CASE("outputs off the granule cost as much as those up to the next whole tile") {
  // 3000 columns are 24 tiles of 128, as 3072 are: the same multiplies, a few bytes less to read and store.
  const double on = pruned_seconds(row({{"kept_outputs", "3072"}}));
  const double off = pruned_seconds(row({{"kept_outputs", "3000"}}));
  CHECK(off <= on);
  CHECK(off > 0.98 * on);
}

TEST_CASE("removed outputs that leave no tile empty are not skipped by any unit") {
  const auto summary = [](const char* kept) {
    MeasuredOp op = row({{"kept_outputs", kept}});
    op.n = 3072;
    return op_from_row(op)->sparsity({a100(), {}, 1});
  };
  CHECK(summary("3000").declared == doctest::Approx(72.0 / 3072));
  CHECK(summary("3000").aligned_dispatch == doctest::Approx(0.0));
  CHECK(summary("1536").declared == doctest::Approx(0.5));
  CHECK(summary("1536").aligned_dispatch == doctest::Approx(1.0));
}

TEST_CASE("half the layers take half the time and make half the work") {
  const MeasuredOp half = row({{"layers", "8"}, {"kept_layers", "4"}});
  const auto op = op_from_row(half);
  CHECK(op->sparsity({a100(), {}, 1}).declared == doctest::Approx(0.5));
  CHECK(op->lower({a100(), {}, 1}).stages.size() == 4);
  CHECK(op->lower_dense({a100(), {}, 1}).stages.size() == 8);
}

TEST_CASE("scattered inputs are copied first, and a copy moves whole fill granules") {
  const ColumnGather size{4096, 4096, 2048, "bf16"};
  const Launch copy = lower_column_gather(size, a100(), {});
  double useful = 0, moved = 0, stored = 0;
  for (const Task& task : copy.tasks) {
    const TaskShape& shape = copy.shapes[task.shape];
    useful += shape.streams.front().bytes_per_step * shape.steps;
    moved += shape.streams.front().line_bytes_per_step * shape.steps;
    stored += shape.store_bytes;
  }
  const double kept_bytes = 4096.0 * 2048 * 2;
  CHECK(useful == doctest::Approx(kept_bytes));
  CHECK(stored == doctest::Approx(kept_bytes));
  // 32 columns per granule of 64 B: with half of all columns kept, hardly one in 2^32 is free.
  CHECK(moved == doctest::Approx(2 * kept_bytes));
  const double gathered = pruned_seconds(row({{"kept_inputs", "2048"}, {"gather_inputs", "true"}}));
  CHECK(gathered == doctest::Approx(gemm_seconds(4096, 2048) + play(copy, a100(), {}).time.seconds()));
}

TEST_CASE("heads that go take their keys along, a group at a time") {
  MeasuredOp op;
  op.op = "pruned_attention";
  op.dtype = "bf16";
  op.params = {{"seq", "2048"}, {"heads", "32"}, {"kv_heads", "8"}, {"head_dim", "128"}, {"kept_heads", "16"}};
  const auto pruned = op_from_row(op);
  CHECK(pruned->sparsity({a100(), {}, 1}).declared == doctest::Approx(0.5));
  MeasuredOp small = op;
  small.op = "attention";
  small.pattern = "dense";
  small.params = {{"seq", "2048"}, {"heads", "16"}, {"kv_heads", "4"}, {"head_dim", "128"}};
  CHECK(seconds(pruned->lower({a100(), {}, 1})) == seconds(op_from_row(small)->lower({a100(), {}, 1})));
  op.params["kept_heads"] = "18";  // four groups and a half: five key heads, which 18 does not divide into
  CHECK_THROWS_WITH_AS(op_from_row(op), "pruned_attention: kept_heads (18) must be a multiple of kept_kv_heads (5)",
                       UnsupportedError);
  op.params["kept_kv_heads"] = "4";
  CHECK_THROWS_WITH_AS(op_from_row(op), "pruned_attention: kept_heads (18) must be a multiple of kept_kv_heads (4)",
                       UnsupportedError);
}

TEST_CASE("what a pruned product cannot be is said by name") {
  CHECK_THROWS_WITH_AS(op_from_row(row({{"kept_outputs", "5000"}})),
                       "pruned_gemm: kept_outputs is 5000, of 4096 that there are", UnsupportedError);
  CHECK_THROWS_WITH_AS(op_from_row(row({{"kept_layers", "2"}})), "pruned_gemm: kept_layers is 2, of 1 that there are",
                       UnsupportedError);
  CHECK_THROWS_WITH_AS(op_from_row(row({{"gather_inputs", "true"}})),
                       "pruned_gemm: every input is kept: there is nothing to gather", UnsupportedError);
  CHECK_THROWS_WITH_AS(op_from_row(row({{"kept_output", "5"}})), doctest::Contains("unknown key \"kept_output\""),
                       UnsupportedError);
}

}  // namespace sparsesim
