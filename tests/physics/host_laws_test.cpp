// Laws of the host: it is the bound where kernels are short, and nothing but a start where they are long.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <numeric>

#include "models/evaluate/run.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

Workload hosted_workload(const std::string& text) {
  config::Diagnostics diagnostics;
  return read_workload(config::load_text(text, "w.yaml", diagnostics));
}

RunResult on_host(const std::string& host, const std::string& text, const Substrate& substrate = a100()) {
  RunOptions options;
  options.interval = false;
  return run(hosted_workload("host: " + host + "\n" + text), substrate, options);
}

const std::string kDecode =
    "model: {layers: 8, hidden: 4096, intermediate: 11008, heads: 32, vocabulary: 32000, dtype: fp16}\n"
    "recipe: {mlp: \"2:4\"}\n"
    "pass: {phase: decode, batch: 1, keys: 512}\n";
const std::string kPrefill =
    "model: {layers: 8, hidden: 4096, intermediate: 11008, heads: 32, vocabulary: 32000, dtype: fp16}\n"
    "recipe: {mlp: \"2:4\"}\n"
    "pass: {batch: 4, seq: 2048}\n";

Substrate with_call(double us) {
  Substrate machine = a100();
  for (Kernel& kernel : machine.kernels)
    if (kernel.op == "framework_call") kernel.constants.at("call_us").value = us;
  return machine;
}

TEST_CASE("with graphs there is no host: the same report to the byte, said or not") {
  RunOptions options;
  options.interval = false;
  const RunResult silent = run(hosted_workload(kDecode), a100(), options);
  const RunResult said = on_host("graph", kDecode);
  CHECK(format_json(silent) == format_json(said));
  CHECK(format_table(silent) == format_table(said));
  CHECK(silent.dense_issue == Time{});
}

TEST_CASE("decode is bound by an eager host, prefill starts a call later") {
  const RunResult free = on_host("graph", kDecode), decode = on_host("eager", kDecode);
  const Time call = host_of(HostKind::eager, a100()).call;
  // 48 calls per layer, 11 around; the products of the network have 5 each with 2:4 weights.
  CHECK(decode.dense_issue == call * (8 * 48 + 11));
  CHECK(decode.sparse_issue == call * (8 * (48 + 3 * 4) + 11));
  CHECK(decode.dense >= decode.dense_issue);
  CHECK(decode.dense < decode.dense_issue + free.dense);
  CHECK(decode.sparse > decode.dense);  // 2:4 loses what it wins in a graph
  CHECK(free.sparse < free.dense);
  const RunResult long_free = on_host("graph", kPrefill), prefill = on_host("eager", kPrefill);
  CHECK(prefill.dense >= long_free.dense + call);
  CHECK(prefill.dense < long_free.dense + call * 24);  // until the first long kernel is issued
}

TEST_CASE("a compiled program launches each kernel once") {
  const RunResult stream = on_host("stream", kDecode);
  const auto launches = static_cast<std::int64_t>(stream.dense_counters.launches);
  CHECK(launches >= 8 * 9 + 3);
  CHECK(stream.dense_issue == Time::from_seconds(a100().dispatch.launch) * launches);
  CHECK(stream.dense < on_host("eager", kDecode).dense);
  CHECK(stream.dense >= on_host("graph", kDecode).dense);
}

TEST_CASE("a slower host is never quicker, and the waterfall says what it takes") {
  Time before;
  for (const double us : {0.1, 2.0, 8.0, 25.0, 100.0}) {
    const RunResult result = on_host("eager", kDecode, with_call(us));
    CHECK(result.dense >= before);
    before = result.dense;
    double product = 1;
    for (const LossTerm& term : result.lost) product *= term.factor;
    CHECK(product == doctest::Approx(result.ideal_speedup / result.realised_speedup()).epsilon(1e-9));
    CHECK(result.lost.back().term == "host");
  }
  CHECK(before.seconds() == doctest::Approx((8 * 48 + 11) * 100e-6).epsilon(0.01));
}

TEST_CASE("ops of layers take turns: short and long kernels share the host") {
  // Each layer has both; in blocks, the host would first wait for nothing and then be waited for.
  const std::string both =
      "model: {layers: 64, hidden: 4096, intermediate: 16384, heads: 32, gated: false, dtype: fp16}\n"
      "pass: {seq: 512}\n";
  const RunResult free = on_host("graph", both), held = on_host("eager", both);
  const double longer = std::max(free.dense.seconds(), held.dense_issue.seconds());
  CHECK(held.dense.seconds() < longer * 1.03);
}

TEST_CASE("a loop of calls takes the longer of host and device each") {
  const std::string loop =
      "ops: [{op: spmm, m: 1, n: 1024, k: 1024, pattern: \"2:4\", repeat: 1000, sparse_operators: 5}]\n";
  const RunResult result = on_host("eager", loop);
  const Time call = host_of(HostKind::eager, a100()).call;
  CHECK(result.sparse.seconds() == doctest::Approx((call * 5000).seconds()).epsilon(0.001));
  CHECK(result.dense.seconds() == doctest::Approx((call * 1000).seconds()).epsilon(0.001));
  CHECK(result.realised_speedup() == doctest::Approx(0.2).epsilon(0.001));
}

TEST_CASE("training steps and models on several devices end, whoever issues them") {
  const std::string step =
      "model: {layers: 4, hidden: 2048, intermediate: 8192, heads: 16, gated: false, vocabulary: 32000}\n"
      "parallel: {data: 2, tensor: 2, pipeline: 2}\ntraining: {batch: 8, seq: 512, micro_batches: 2, zero: 1}\n";
  const Substrate& node = machine("a100-sxm4-80gb-x8");
  const RunResult free = on_host("graph", step, node), held = on_host("eager", step, node);
  CHECK(held.dense >= free.dense);
  CHECK(held.dense >= held.dense_issue);
  CHECK(held.dense <= free.dense + held.dense_issue);
}

TEST_CASE("a host that nobody knows is a mistake at its place") {
  CHECK_THROWS_WITH_AS(hosted_workload("host: egaer\n" + kDecode), doctest::Contains("did you mean \"eager\""),
                       config::ConfigError);
  CHECK_THROWS_AS(hosted_workload("ops: [{op: gemm, m: 1, n: 8, k: 8, operators: 0}]\n"), config::ConfigError);
  CHECK_THROWS_AS(on_host("eager", "ops: [{op: gemm, m: 8, n: 8, k: 8}]\n", machine("tpu-v4")), UnsupportedError);
}

}  // namespace
}  // namespace sparsesim
