// Laws of whole models: sums of layers, twice the tokens, devices that share the work.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "models/evaluate/run.h"
#include "models/ops/weights/stored_bytes.h"
#include "models/whole/op_text.h"

namespace sparsesim {
namespace {

const SearchPath kMachines{{SPARSESIM_SOURCE_DIR "/substrates"}};

Workload written(const std::string& text) {
  config::Diagnostics diagnostics;
  return read_workload(config::load_text(text, "w.yaml", diagnostics));
}

RunResult times(const std::string& text, const Substrate& substrate) {
  RunOptions options;
  options.explain = options.interval = false;
  return run(written(text), substrate, options);
}

const char* const kLayer = "model: {layers: 1, hidden: 4096, intermediate: 11008, heads: 32, dtype: fp16}\n";

TEST_CASE("a model of one layer takes what its ops take, written by hand") {
  const Substrate a100 = load_substrate("a100", kMachines);
  const RunResult whole = times(std::string(kLayer) + "pass: {seq: 1024}\n", a100);
  const RunResult by_hand = times(
      "ops:\n"
      "- {name: lookup, op: elementwise, elements: 4194304, dtype: fp16, flops_per_element: 0}\n"
      "- {name: norm, op: elementwise, elements: 4194304, dtype: fp16, reads: 2, writes: 2, flops_per_element: 5, "
      "repeat: 2}\n"
      "- {name: qkv, op: gemm, m: 1024, n: 12288, k: 4096, dtype: fp16}\n"
      "- {name: rope, op: elementwise, elements: 8388608, dtype: fp16, flops_per_element: 6}\n"
      "- {name: attention, op: attention, seq: 1024, heads: 32, head_dim: 128, dtype: fp16}\n"
      "- {name: output, op: gemm, m: 1024, n: 4096, k: 4096, dtype: fp16}\n"
      "- {name: up, op: gemm, m: 1024, n: 22016, k: 4096, dtype: fp16}\n"
      "- {name: gate, op: elementwise, elements: 11272192, dtype: fp16, reads: 2, flops_per_element: 6}\n"
      "- {name: down, op: gemm, m: 1024, n: 4096, k: 11008, dtype: fp16}\n"
      "- {name: last, op: elementwise, elements: 4096, dtype: fp16, reads: 2, writes: 1, flops_per_element: 5}\n",
      a100);
  CHECK(whole.dense == by_hand.dense);
  CHECK(whole.dense_counters.device.useful_macs == by_hand.dense_counters.device.useful_macs);
}

TEST_CASE("layers add up, and twice the tokens take twice the time where products bound it") {
  const Substrate a100 = load_substrate("a100", kMachines);
  const auto with = [&](int layers, int tokens) {
    return times(fmt::format("model: {{layers: {}, hidden: 4096, intermediate: 11008, heads: 32, dtype: fp16}}\n"
                             "pass: {{batch: {}, seq: 2048}}\n",
                             layers, tokens / 2048),
                 a100);
  };
  const RunResult one = with(1, 2048), eighty = with(80, 2048), doubled = with(1, 4096);
  const Time outside = one.ops.front().prediction.dense.time + one.ops.back().prediction.dense.time;
  CHECK(eighty.dense.ps - outside.ps == 80 * (one.dense.ps - outside.ps));
  CHECK(doubled.dense / one.dense == doctest::Approx(2).epsilon(0.05));
  CHECK(doubled.dense_counters.device.useful_macs == 2 * one.dense_counters.device.useful_macs);
}

TEST_CASE("devices that split every product share its multiply-adds, whatever their number") {
  const Substrate node = load_substrate("h100-x8", kMachines);
  const auto on = [&](const std::string& parallel) {
    return times(
               "model: {layers: 2, hidden: 4096, intermediate: 14336, heads: 32, kv_heads: 8, vocabulary: 32000}\n"
               "parallel: {" +
                   parallel + "}\npass: {batch: 8, seq: 512}\n",
               node)
        .dense_counters;
  };
  const double alone = on("tensor: 1").device.useful_macs;
  for (const int devices : {2, 4, 8}) {
    const RunCounters shared = on(fmt::format("tensor: {}", devices));
    CHECK(shared.device.useful_macs * devices == doctest::Approx(alone).epsilon(1e-12));
    // Two exchanges per layer and one of the embedding; even a switch that adds moves the buffer of each device once.
    CHECK(shared.fabric_bytes > 5.0 * (devices - 1) * 8 * 512 * 4096 * 2);
  }
  CHECK(on("data: 8").device.useful_macs * 8 == doctest::Approx(alone).epsilon(1e-12));
  CHECK(on("pipeline: 2").device.useful_macs ==
        doctest::Approx(alone).epsilon(1e-12));  // all layers, one after the other
  CHECK(on("pipeline: 2").fabric_bytes == 8.0 * 512 * 4096 * 2);
}

TEST_CASE("groups that share experts divide the tokens of all other products") {
  const Substrate node = load_substrate("h100-x8", kMachines);
  const auto model = [&](const std::string& parallel) {
    const Workload w = written(
        "model: {layers: 2, hidden: 2048, heads: 16, vocabulary: 1000, experts: {count: 16, top_k: 2, intermediate: "
        "1024}}\n"
        "parallel: {" +
        parallel + "}\npass: {phase: decode, batch: 64, keys: 100}\n");
    std::string text;
    for (const ModelOp& op : latency_ops(w.model->model, w.model->pass)) text += op_line(op);
    return text;
  };
  const std::string spread = model("expert: 8, tensor: 2");
  CHECK(spread.find("name: attention.qkv, repeat: 2, op: gemm, m: 16, n: 3072") != std::string::npos);
  CHECK(spread.find("op: moe_ffn, tokens: 64, hidden: 2048, intermediate: 1024") != std::string::npos);
  CHECK(spread.find("attention.reduce_scatter") != std::string::npos);
  CHECK(spread.find("experts.all_gather") != std::string::npos);
  const std::string split = model("tensor: 8");
  CHECK(split.find("intermediate: 128, experts: 16") != std::string::npos);
  CHECK(split.find("experts.all_reduce") != std::string::npos);
}

TEST_CASE("what structured pruning leaves takes what the smaller model takes, and the twin stays whole") {
  const Substrate h100 = load_substrate("h100", kMachines);
  const auto on = [&](int layers, int intermediate, int heads, const std::string& rest) {
    return times(fmt::format("model: {{layers: {}, hidden: 2048, intermediate: {}, heads: {}, kv_heads: {}, head_dim: "
                             "128, vocabulary: 32000}}\n{}pass: {{phase: decode, batch: 4, keys: 1000}}\n",
                             layers, intermediate, heads, heads / 4, rest),
                 h100);
  };
  const RunResult whole = on(8, 8192, 16, ""), half = on(4, 8192, 16, ""), narrow = on(8, 5120, 12, "");
  const RunResult shallow = on(8, 8192, 16, "recipe: [{modules: all, layers: 2-5, pattern: removed}]\n");
  CHECK(shallow.dense == whole.dense);
  CHECK(shallow.sparse == half.dense);
  CHECK(shallow.sparse_counters.device.dram_bytes == half.dense_counters.device.dram_bytes);
  CHECK(shallow.memory->need.total() == half.memory->need.total());
  // Half of the stack, beside what is behind and before it.
  double outside = 0;
  for (const OpResult& op : whole.ops)
    if (op.name.starts_with("head") || op.name == "embedding") outside += op.dense_us();
  CHECK(shallow.sparse.us() - outside == doctest::Approx((whole.dense.us() - outside) / 2).epsilon(1e-9));
  CHECK(shallow.sparsity.declared ==
        doctest::Approx((whole.dense.us() - outside) / 2 / whole.dense.us()).epsilon(1e-9));
  CHECK(shallow.ideal_speedup == doctest::Approx(shallow.realised_speedup()).epsilon(1e-9));

  const RunResult pruned =
      on(8, 8192, 16,
         "recipe: [{modules: mlp, pattern: channels, keep: 5120}, {modules: attention, pattern: heads, keep: 12}]\n");
  CHECK(pruned.dense == whole.dense);
  CHECK(pruned.sparse == narrow.dense);
  CHECK(pruned.memory->need.total() == narrow.memory->need.total());
}

TEST_CASE("fewer experts are fewer experts' weights to read, and the same multiply-adds") {
  const Substrate h100 = load_substrate("h100", kMachines);
  const auto on = [&](int experts, const std::string& rest) {
    return times(fmt::format("model: {{layers: 2, hidden: 2048, heads: 16, experts: {{count: {}, top_k: 4, "
                             "intermediate: 768}}}}\n{}pass: {{phase: decode, batch: 64, keys: 100}}\n",
                             experts, rest),
                 h100);
  };
  const RunResult all = on(64, ""), left = on(48, "");
  const RunResult pruned = on(64, "recipe: [{modules: experts, pattern: experts, keep: 48}]\n");
  CHECK(pruned.dense == all.dense);
  CHECK(pruned.sparse == left.sparse);
  CHECK(pruned.sparse < all.sparse);
  CHECK(pruned.sparsity.declared == all.sparsity.declared);
  CHECK(pruned.memory->need.bytes.weights == left.memory->need.bytes.weights);
}

TEST_CASE("fp8 weights are multiplied in fp8 where the machine can, else unpacked on their way, and the run says so") {
  const auto one = [&](const char* machine, const std::string& keys) {
    const RunResult run =
        times("ops: [{op: gemm, n: 8192, k: 8192, " + keys + "}]\n", load_substrate(machine, kMachines));
    return std::pair{run.dense, run.dense_counters.device.dram_bytes};
  };
  // One row: the weights are all that matters. A byte each and their scales, on either machine.
  const double weights = 8192.0 * 8192;
  for (const char* machine : {"h100", "a100"}) {
    CAPTURE(machine);
    const auto [wide, wide_bytes] = one(machine, "m: 1, dtype: bf16");
    const auto [narrow, narrow_bytes] = one(machine, "m: 1, dtype: bf16, weights: fp8");
    CHECK(wide_bytes - narrow_bytes == doctest::Approx(weights * (1 - 4.0 / 16384)).epsilon(1e-3));
    CHECK(narrow < wide);
  }
  // Many rows: the fp8 product, and the pass that makes its activations.
  const Time scaled = one("h100", "m: 8192, dtype: bf16, weights: fp8, scale_block: 0").first;
  const Time plain = one("h100", "m: 8192, dtype: fp8").first;
  const Time pass =
      times("ops: [{op: elementwise, elements: 67108864, dtype: bf16, writes: 0.5, flops_per_element: 3}]\n",
            load_substrate("h100", kMachines))
          .dense;
  CHECK(scaled.ps == plain.ps + pass.ps);
  CHECK(scaled < one("h100", "m: 8192, dtype: bf16").first);
  const Time unpacked = one("a100", "m: 8192, dtype: bf16, weights: fp8").first;
  CHECK(unpacked / one("a100", "m: 8192, dtype: bf16").first == doctest::Approx(1).epsilon(0.1));

  const std::string model =
      "model: {layers: 2, hidden: 1024, heads: 8, weights: fp8, experts: {count: 8, top_k: 2, intermediate: 512}}\n"
      "pass: {phase: decode, batch: 4, keys: 100}\n";
  CHECK(times(model, load_substrate("h100", kMachines)).notes.empty());
  const auto notes = times(model, load_substrate("a100", kMachines)).notes;
  REQUIRE(notes.size() == 1);
  CHECK(notes.front() ==
        "weights in fp8 run in bf16, unpacked as they are read: a100-sxm4-80gb has no matrix unit for fp8");
}

TEST_CASE("integer weights are unpacked beside activations of 16 bits, with zeros or without") {
  const auto one = [&](const char* machine, const std::string& keys) {
    const RunResult run =
        times("ops: [{op: gemm, n: 8192, k: 8192, " + keys + "}]\n", load_substrate(machine, kMachines));
    return std::pair{run.dense, run.dense_counters.device.dram_bytes};
  };
  const double weights = 8192.0 * 8192;
  for (const char* machine : {"h100", "a100", "rtx-3090", "mi300x"}) {
    CAPTURE(machine);
    const auto [wide, wide_bytes] = one(machine, "m: 1, dtype: fp16");
    const auto [eight, eight_bytes] = one(machine, "m: 1, dtype: fp16, weights: int8, scale_block: 0");
    const auto [four, four_bytes] = one(machine, "m: 1, dtype: fp16, weights: int4");
    CHECK(wide_bytes - eight_bytes == doctest::Approx(weights).epsilon(1e-3));
    CHECK(wide_bytes - four_bytes == doctest::Approx(weights * (1.5 - 2.0 / 128)).epsilon(1e-3));
    CHECK((four < eight && eight < wide));
    // Many rows: as many multiplies, and unpacking beside them: nothing is left of the bytes' gain.
    const double many =
        one(machine, "m: 8192, dtype: fp16, weights: int4").first / one(machine, "m: 8192, dtype: fp16").first;
    CHECK((many > 0.95 && many < 1.5));
  }
  const auto model = [&](const char* machine, const std::string& keys) {
    return times("model: {layers: 2, hidden: 4096, heads: 32, intermediate: 11008, dtype: fp16, " + keys +
                     "}\nrecipe: {mlp: 2:4}\npass: {phase: decode, batch: 8, keys: 100}\n",
                 load_substrate(machine, kMachines));
  };
  const RunResult narrow = model("a100", "weights: int4"), wide = model("a100", "weights: same");
  CHECK(narrow.notes.empty());
  const auto network = [](const RunResult& run) {
    double dense = 0, sparse = 0;
    for (const OpResult& op : run.ops)
      if (op.pattern == "2:4") {
        CHECK(!op.prediction.fallback);
        dense += op.dense_us();
        sparse += op.sparse_us();
      }
    return std::pair{dense, sparse};
  };
  // Dense is as narrow as sparse, so that the zeros are worth less than beside 16 bits: 3/4 of the bytes, not 9/16.
  CHECK(network(narrow).first < network(wide).first);
  CHECK(network(narrow).second < network(narrow).first);
  CHECK(network(narrow).first / network(narrow).second < network(wide).first / network(wide).second);
  CHECK(network(narrow).first / network(narrow).second < 4.0 / 3);
  // Where no kernel knows such weights, the product with zeros is the dense one of as narrow weights.
  const RunResult without = times(
      "ops:\n- {name: a, op: gemm, m: 8, n: 8192, k: 8192, dtype: bf16, weights: int4, scale_block: 0}\n"
      "- {name: b, op: spmm, m: 8, n: 8192, k: 8192, dtype: int4xbf16, pattern: 2:4}\n",
      load_substrate("tpu-v5e", kMachines));
  CHECK(without.ops[1].prediction.fallback);
  CHECK(without.ops[1].dense_us() == without.ops[0].dense_us());
  CHECK(without.ops[1].sparse_us() == without.ops[0].dense_us());
  const RunResult bytes = times(
      "ops:\n- {name: a, op: gemm, m: 8, n: 8192, k: 8192, dtype: bf16, weights: fp8, scale_block: 0}\n"
      "- {name: b, op: spmm, m: 8, n: 8192, k: 8192, dtype: fp8, pattern: 2:4}\n",
      load_substrate("a100", kMachines));
  CHECK(bytes.ops[1].prediction.fallback);
  CHECK(bytes.ops[1].sparse_us() == bytes.ops[0].dense_us());
  const auto notes = model("tpu-v5e", "weights: int4").notes;
  REQUIRE(notes.size() == 1);
  CHECK(notes.front().starts_with("weights in int4 run in fp16, unpacked at no cost"));
}

TEST_CASE("experts with weights of a byte read half as much") {
  for (const char* machine : {"h100", "a100", "mi300x"}) {
    CAPTURE(machine);
    const Substrate substrate = load_substrate(machine, kMachines);
    const auto bytes = [&](const char* weights) {
      return times(fmt::format("ops: [{{op: moe_ffn, tokens: 64, hidden: 4096, intermediate: 2048, experts: 16, top_k: "
                               "4, dtype: bf16{}}}]\n",
                               weights),
                   substrate)
          .sparse_counters.device.dram_bytes;
    };
    const double experts = 16.0 * 3 * 4096 * 2048;
    CHECK(bytes("") - bytes(", weights: fp8") == doctest::Approx(experts).epsilon(0.02));
    CHECK(bytes("") - bytes(", weights: int4, scale_block: 0") == doctest::Approx(1.5 * experts).epsilon(0.02));
  }
}

TEST_CASE("a stage sends to the next what one pair of devices can") {
  const Substrate node = load_substrate("a100-x8", kMachines);
  const RunResult one = times("ops: [{name: s, op: send, bytes: 64 MiB, devices: 1}]\n", node);
  const RunResult four = times("ops: [{name: s, op: send, bytes: 64 MiB, devices: 4}]\n", node);
  CHECK(one.dense_counters.fabric_bytes == 64.0 * (1 << 20));
  CHECK(four.dense_counters.fabric_bytes == 4 * one.dense_counters.fabric_bytes);
  CHECK(four.dense / one.dense == doctest::Approx(1).epsilon(0.2));  // pairs do not share links of a switch
  CHECK_THROWS_AS(times("ops: [{name: s, op: send, bytes: 1 MiB, devices: 8}]\n", node), UnsupportedError);
}

TEST_CASE("formats store what their table says") {
  const auto bytes = [](const std::string& keys) {
    const auto op = read_op_text("op: spmm, m: 1, n: 1024, k: 2048, dtype: fp16, " + keys, "");
    return stored_bytes(dynamic_cast<const Spmm&>(*op).size());
  };
  const double all = 1024.0 * 2048;
  const auto check = [&](const std::string& keys, double values, double metadata) {
    CAPTURE(keys);
    CHECK(bytes(keys).values == doctest::Approx(values));
    CHECK(bytes(keys).metadata == doctest::Approx(metadata));
  };
  check("pattern: 2:4", all, all / 8);  // half of them, 2 bits each
  check("pattern: unstructured, sparsity: 0.75, format: csr", all / 2, all / 4 * 4 + 4 * 1024);
  check("pattern: unstructured, sparsity: 0.75, format: csc", all / 2, all / 4 * 4 + 4 * 2048);
  check("pattern: unstructured, sparsity: 0.75, format: coo", all / 2, all / 4 * 8);
  check("pattern: unstructured, sparsity: 0.75, format: bitmap", all / 2, all / 8);
  check("pattern: unstructured, sparsity: 0.75, format: tiled", all / 2, all / 4 * 2);
  check("pattern: block, block: [16, 16], sparsity: 0.5, format: bsr", all, all / 2 / 256 * 4 + 4 * 1024 / 16);
  check("pattern: 1:4", all / 2, all / 4 / 4);  // places of 2 bits
  check("pattern: vnm, v: 64, columns: 8", all / 2, all / 4 / 4 + 1024 * 2048.0 / 64 / 2);
}

}  // namespace
}  // namespace sparsesim
