// What a device cannot hold is said: docs/output.md, `notes`.
#include <doctest/doctest.h>

#include "models/evaluate/run.h"
#include "tests/support/machines.h"

using namespace sparsesim;

namespace {

RunResult result_of(const std::string& op, double capacity) {
  config::Diagnostics diagnostics;
  const Workload workload =
      read_workload(config::load_text("name: w\ntitle: t\nops:\n  - {name: a, " + op + "}\n", "w.yaml", diagnostics));
  Substrate machine = a100();
  machine.memory.dram_bytes.value = capacity;
  RunOptions options;
  options.explain = false;
  return run(workload, machine, options);
}

}  // namespace

TEST_CASE("operands and results of an op either fit a device's memory to the byte, or a note says what is needed") {
  const struct {
    const char* op;
    double bytes;
  } cases[] = {
      {"op: gemm, m: 16, n: 1024, k: 2048, dtype: fp16", 2.0 * (16 * 1024 + 16 * 2048 + 1024 * 2048)},
      {"op: spmm, m: 16, n: 1024, k: 2048, dtype: fp16, pattern: '2:4'", 2.0 * (16 * 1024 + 16 * 2048 + 1024 * 1024)},
      {"op: spmm, m: 16, n: 1024, k: 2048, dtype: fp16, pattern: block, block: [32, 32], sparsity: 0.75",
       2.0 * (16 * 1024 + 16 * 2048 + 1024 * 512)},
      {"op: spmm, m: 16, n: 1024, k: 2048, dtype: int4xfp16, pattern: '2:4'",
       2.0 * (16 * 1024 + 16 * 2048) + 0.5 * 1024 * 1024},
      {"op: moe_ffn, tokens: 16, hidden: 512, intermediate: 256, experts: 8, top_k: 2",
       2.0 * (8 * 3 * 512 * 256 + 2 * 16 * 512)},
      {"op: embedding_bag, rows: 1000, dim: 64, bags: 8, pooling: 4, dtype: fp16, tables: 3", 2.0 * 3 * 1008 * 64},
      {"op: attention, seq: 1024, heads: 8, head_dim: 64, kv_heads: 2, dtype: fp16, window: 128",
       2.0 * 64 * 1024 * (2 * 8 + 2 * 2)},
  };
  for (const auto& fits : cases) {
    CAPTURE(fits.op);
    const RunResult less = result_of(fits.op, fits.bytes - 1);
    REQUIRE(less.notes.size() == 1);
    CHECK(less.notes[0].find("op \"a\" DOES NOT FIT: it holds ") == 0);
    const std::vector<std::string> notes = result_of(fits.op, fits.bytes).notes;
    for (const std::string& note : notes) CHECK(note.find("the dense twin of op \"a\" does not fit") == 0);
  }
  CHECK(result_of(cases[0].op, cases[0].bytes).notes.empty());
  CHECK(result_of(cases[1].op, cases[1].bytes).notes.size() == 1);  // the dense twin has twice as many weights
}

TEST_CASE("a time that cannot be is said to be one: the numbers stay, the note says how much is missing") {
  const std::string op = "op: gemm, m: 1, n: 500000, k: 500000, dtype: fp16";
  const RunResult small = result_of(op, 80e9), large = result_of(op, 1e12);
  CHECK(small.dense == large.dense);
  CHECK(large.notes.empty());
  CHECK(small.notes[0] == "op \"a\" DOES NOT FIT: it holds 500.00 GB at least, the memory of a100-sxm4-80gb 80.00 GB");
}
