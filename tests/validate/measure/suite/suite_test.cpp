#include "validate/measure/suite/suite.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "models/ops/registry.h"
#include "sim/config/node.h"
#include "validate/measure/harness/csv.h"

using namespace sparsesim;

namespace {

Suite suite_of(const std::string& ops) { return read_suite_text("ops:\n" + ops, "s.yaml"); }

std::string mistakes_of(const std::string& ops) {
  try {
    suite_of(ops);
  } catch (const config::ConfigError& error) {
    std::string text;
    for (const auto& mistake : error.mistakes())
      text += std::to_string(mistake.position.line) + ":" + std::to_string(mistake.position.column) + " " +
              mistake.message + "\n";
    return text;
  }
  return "none";
}

/// Multiply-adds that a program needs; nothing where the machine has no kernel for it.
std::optional<double> work_of(const Op& op, bool dense, const LowerContext& context) {
  try {
    const Program program = dense ? op.lower_dense(context) : op.lower(context);
    double macs = 0;
    for (const Stage& stage : program.stages)
      if (stage.launch)
        for (const Task& task : stage.launch->tasks) macs += stage.launch->shapes[task.shape].useful_macs;
    return macs;
  } catch (const UnsupportedError&) {
    return std::nullopt;
  }
}

SearchPath folder(const std::string& name) { return {{std::string(SPARSESIM_SOURCE_DIR) + "/" + name}}; }

}  // namespace

TEST_CASE("a grid is every combination of its lists, a row for each kernel") {
  const auto plan = suite_of(
                        "  - op: spmm\n    n: 512\n    k: 512\n    dtype: fp32\n    pattern: unstructured\n"
                        "    grid: {m: [1, 8], sparsity: [0.5, 0.9]}\n    kernels: [csr, eigen_csr]\n")
                        .plan("here");
  REQUIRE(plan.size() == 2 * 2 * 2);
  CHECK(plan[0].id == "spmm-unstructured-m1-n512-k512-fp32-s0.5-csr");
  CHECK(plan[1].id == "spmm-unstructured-m1-n512-k512-fp32-s0.5-eigen_csr");
  CHECK(plan[2].id == "spmm-unstructured-m1-n512-k512-fp32-s0.9-csr");
  CHECK(plan[7].id == "spmm-unstructured-m8-n512-k512-fp32-s0.9-eigen_csr");
  CHECK(plan[7].m == 8);
  CHECK(plan[7].sparsity == 0.9);
  CHECK(plan[7].kernel == "eigen_csr");
  CHECK(plan[7].device == "here");
}

TEST_CASE("sizes of every family stand in the columns of measured rows") {
  const auto plan =
      suite_of(
          "  - {op: gemm, m: 2, n: 3, k: 4}\n"
          "  - {op: spmm, m: 8, n: 64, k: 64, dtype: fp32, pattern: block, block: [16, 16], sparsity: 0.5}\n"
          "  - {op: spmm, m: 8, n: 64, k: 64, pattern: '2:4', accumulate: fp16}\n"
          "  - {op: moe_ffn, tokens: 5, hidden: 6, intermediate: 7, experts: 8, top_k: 2, gated: false}\n"
          "  - {op: attention, seq: 256, heads: 4, head_dim: 64, pattern: blocks, block: 64, sparsity: 0.5}\n"
          "  - {op: attention, seq: 256, heads: 4, head_dim: 64, pattern: window, window: 16, causal: true}\n"
          "  - {op: embedding_bag, rows: 9, dim: 10, bags: 11, pooling: 12}\n")
          .plan("here");
  REQUIRE(plan.size() == 7);
  CHECK(plan[0].dtype == "bf16");  // the language's default is written out
  CHECK(plan[0].pattern == "dense");
  CHECK(plan[1].params.at("block") == "16x16");
  CHECK(plan[2].sparsity == 0.5);
  CHECK(plan[2].id == "spmm-2:4-m8-n64-k64-fp16-accumulatefp16");
  CHECK(plan[3].m == 5);
  CHECK(plan[3].k == 6);
  CHECK(plan[3].n == 7);
  CHECK(plan[3].params.at("gated") == "0");
  CHECK(plan[4].pattern == "block_mask");
  CHECK(plan[4].sparsity == 0.5);
  CHECK(plan[4].params.at("block") == "64");
  CHECK(plan[5].params.at("causal") == "1");
  CHECK(plan[6].m == 0);
  CHECK(plan[6].params.at("bags") == "11");
}

TEST_CASE("mistakes are told where they were written, those of a grid's value at the value") {
  CHECK(mistakes_of("  - {op: spnm, m: 1}\n") == "2:10 ops[0].op cannot be \"spnm\"\n");
  CHECK(mistakes_of("  - {op: gemm, m: 1, n: 1}\n").find("2:5 missing key \"k\"") == 0);
  CHECK(mistakes_of("  - {op: gemm, n: 1, k: 1, grid: {m: [1, x]}}\n").find("2:42 ") == 0);
  CHECK(mistakes_of("  - {op: gemm, m: 1, n: 1, k: 1, sparsity: 0.5}\n") ==
        "2:34 unknown key \"sparsity\" in ops[0]\n");
  CHECK(mistakes_of("  - {op: gemm, m: 1, n: 1, k: 1, grid: {m: [2]}}\n") ==
        "2:41 m cannot stand in the grid and beside it\n");
  CHECK(mistakes_of("  - {op: gemm, m: 1, n: 1, grid: {k: []}}\n") == "2:35 grid.k is a list of 1 to 256 values\n");
  CHECK(mistakes_of("  - {op: gemm, m: 1, n: 1, grid: {k: 5}}\n") == "2:35 grid.k is a list of 1 to 256 values\n");
}

TEST_CASE("what a measured row cannot say is refused, and so are rows that stand twice") {
  CHECK(mistakes_of("  - {op: spmm, m: 8, n: 8, k: 8, pattern: unstructured, sparsity: 0.5, index_bits: 16}\n") ==
        "2:84 a measured spmm has no index_bits\n");
  CHECK(mistakes_of("  - {op: gemm, m: 1, n: 1, k: 1}\n  - {op: gemm, m: 1, n: 1, k: 1}\n") ==
        "3:5 the row gemm-m1-n1-k1-bf16 stands twice\n");
  CHECK(mistakes_of("  - {op: gemm, m: 1, n: 1, k: 1, kernels: [a, a]}\n") ==
        "2:5 the row gemm-m1-n1-k1-bf16-a stands twice\n");
  CHECK(mistakes_of("  []\n").find("ops must be a list of at least one op") != std::string::npos);
}

TEST_CASE("a huge grid is refused before it is made") {
  std::string list = "[1";
  for (int i = 2; i <= 200; ++i) list += ", " + std::to_string(i);
  list += "]";
  const std::string text = mistakes_of("  - {op: gemm, grid: {m: " + list + ", n: " + list + ", k: " + list + "}}\n");
  CHECK(text.find("the grid has more than 20000 points") != std::string::npos);
}

TEST_CASE("an unknown suite names the known ones") {
  CHECK_THROWS_WITH_AS(load_suite("cpu-quik", folder("validate/measure/suites")),
                       doctest::Contains("did you mean \"cpu-quick\"?"), config::ConfigError);
}

// A row must mean what the suite's keys mean: both are lowered, and need the same multiply-adds, dense and sparse.
TEST_CASE("each row of the shipped suites is simulated as the suite's own op") {
  const SearchPath suites = folder("validate/measure/suites");
  for (const std::string& name : list_suites(suites)) {
    const std::string machine = name.starts_with("cpu") ? "epyc-milan-2c" : "a100";
    const Substrate substrate = load_substrate(machine, folder("substrates"));
    const LowerContext context{substrate, {}, 1};
    for (const SuiteRow& row : load_suite(name, suites).rows) {
      CAPTURE(row.plan.id);
      auto without_kernel = row.plan;
      without_kernel.kernel.clear();
      const auto measured = op_from_row(measured_op(without_kernel));
      CHECK(measured->kind() == row.op->kind());
      CHECK(measured->pattern() == row.op->pattern());
      for (const bool dense : {false, true}) {
        const auto expected = work_of(*row.op, dense, context), found = work_of(*measured, dense, context);
        REQUIRE(expected.has_value() == found.has_value());
        if (expected) CHECK(*found == doctest::Approx(*expected));
      }
    }
  }
}

TEST_CASE("the plan for machines without YAML is up to date") {
  const SearchPath suites = folder("validate/measure/suites");
  const auto plan = load_suite("cuda-standard", suites).plan("cuda");
  CHECK_MESSAGE(measure::read_whole(suites.folders[0] + "/cuda-standard.csv") == measure::plan_text(plan),
                "sparsesim measure --backend cuda --suite cuda-standard --plan-only --out "
                "validate/measure/suites/cuda-standard.csv");
}
