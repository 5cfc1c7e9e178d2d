// Laws of a whole model's training step: work, memory, pipelines, exchanges.

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include "models/evaluate/run.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

Workload step_of(const std::string& model, const std::string& parallel, const std::string& training,
                 const std::string& recipe = "") {
  config::Diagnostics diagnostics;
  const std::string text = "name: step\nmodel: {" + model + "}\nparallel: {" + parallel + "}\ntraining: {" + training +
                           "}\n" + (recipe.empty() ? "" : "recipe: " + recipe + "\n");
  const config::Node tree = config::load_text(text, "step.yaml", diagnostics);
  return read_workload(tree);
}

RunResult run_step(const Workload& workload, const char* machine_name = "a100-sxm4-80gb-x8") {
  return run(workload, machine(machine_name), {.seed = 1, .interval = false, .explain = false});
}

double macs_of(const RunResult& result) { return result.sparse_counters.device.useful_macs; }

const char* const kSmall = "layers: 4, hidden: 1024, intermediate: 2816, heads: 16, head_dim: 64, vocabulary: 8192";
constexpr double kLayerWeights = 4.0 * (4 * 1024 * 1024 + 3 * 1024 * 2816), kHeadWeights = 8192.0 * 1024;
const char* const kLlama7b = "layers: 32, hidden: 4096, intermediate: 11008, heads: 32, vocabulary: 32000";
constexpr double kLlamaWeights = 6738415616;

double bytes_per_weight(const char* zero) {
  const Workload workload = step_of(kLlama7b, "data: 8", std::string("batch: 8, seq: 512, zero: ") + zero);
  const PassMemory memory = memory_of(workload.model->model, *workload.model->training);
  return (memory.bytes.weights + memory.gradients + memory.optimizer) / kLlamaWeights;
}

const OpResult* op_named(const RunResult& result, const std::string& name) {
  for (const OpResult& op : result.ops)
    if (op.name == name) return &op;
  return nullptr;
}

std::string mistake_of(const std::string& parallel, const std::string& training, const std::string& recipe = "") {
  try {
    step_of(kSmall, parallel, training, recipe);
  } catch (const config::ConfigError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a step multiplies and adds 3 times per weight and token, and 3.5 times the scores of the forward pass") {
  const double tokens = 4 * 1024, seq = 1024;
  const double products = 3 * tokens * (kLayerWeights + kHeadWeights);
  const double scores =
      3.5 * 4 * 4 * 16 * 64 * 2 * seq * (seq + 1) / 2;  // layers, sequences, heads, head_dim, Q K and P V
  const RunResult none = run_step(step_of(kSmall, "", "batch: 4, seq: 1024"));
  CHECK(macs_of(none) == doctest::Approx(products + scores).epsilon(1e-6));
  const RunResult full = run_step(step_of(kSmall, "", "batch: 4, seq: 1024, recompute: full"));
  CHECK(macs_of(full) - macs_of(none) == doctest::Approx(tokens * kLayerWeights + scores / 3.5).epsilon(1e-6));
  const RunResult selective = run_step(step_of(kSmall, "", "batch: 4, seq: 1024, recompute: selective"));
  CHECK(macs_of(selective) - macs_of(none) == doctest::Approx(scores / 3.5).epsilon(1e-6));
  CHECK(none.sparse < selective.sparse);
  CHECK(selective.sparse < full.sparse);
}

TEST_CASE("model FLOPs are those of a step that computes nothing again, and MFU their share of the peak") {
  const Workload workload = step_of(kSmall, "", "batch: 4, seq: 1024, recompute: full");
  const RunResult result = run_step(workload);
  const double flops = model_flops(workload.model->model, *workload.model->training);
  CHECK(flops == doctest::Approx(2 * macs_of(run_step(step_of(kSmall, "", "batch: 4, seq: 1024")))).epsilon(0.02));
  REQUIRE(result.training);
  CHECK(result.training->rate * result.sparse.seconds() == doctest::Approx(4096));
  CHECK(result.training->share * 312e12 * result.sparse.seconds() == doctest::Approx(flops).epsilon(0.01));
  CHECK(result.training->share < 0.75);
  // Every token of Mixtral visits 2 of 8 experts: 12.9 of 46.7 billion weights are active (arXiv 2401.04088).
  const Workload mixtral = step_of(
      "layers: 32, hidden: 4096, heads: 32, kv_heads: 8, vocabulary: 32000, experts: {count: 8, top_k: 2, "
      "intermediate: 14336}",
      "expert: 8", "batch: 8, seq: 128");
  CHECK(model_flops(mixtral.model->model, *mixtral.model->training) / (8 * 128 * 6) ==
        doctest::Approx(12.9e9).epsilon(0.02));
}

TEST_CASE("micro batches and replicas divide a step's work and lose none") {
  const double once = macs_of(run_step(step_of(kSmall, "", "batch: 8, seq: 512")));
  CHECK(macs_of(run_step(step_of(kSmall, "", "batch: 8, seq: 512, micro_batches: 4"))) == doctest::Approx(once));
  // Counters are those of one replica.
  CHECK(macs_of(run_step(step_of(kSmall, "data: 4", "batch: 8, seq: 512"))) == doctest::Approx(once / 4));
  CHECK(macs_of(run_step(step_of(kSmall, "data: 4", "batch: 8, seq: 512, micro_batches: 2"))) ==
        doctest::Approx(once / 4));
  CHECK(macs_of(run_step(step_of(kSmall, "tensor: 4", "batch: 8, seq: 512"))) == doctest::Approx(once / 4));
}

TEST_CASE("Adam in mixed precision takes 16 bytes per weight; each stage of ZeRO divides its part among replicas") {
  CHECK(bytes_per_weight("0") == doctest::Approx(16).epsilon(1e-3));
  CHECK(bytes_per_weight("1") == doctest::Approx(4 + 12.0 / 8).epsilon(1e-3));
  CHECK(bytes_per_weight("2") == doctest::Approx(2 + 14.0 / 8).epsilon(1e-3));
  CHECK(bytes_per_weight("3") == doctest::Approx(16.0 / 8).epsilon(1e-3));
}

TEST_CASE(
    "activations are those of the published formula: s b h (10 + 24 / t) per layer, 2 s b h where computed again") {
  const auto activations = [](const std::string& parallel, const std::string& training) {
    const Workload workload = step_of(
        "layers: 8, hidden: 2048, intermediate: 8192, heads: 16, gated: false, kind: encoder", parallel, training);
    return memory_of(workload.model->model, *workload.model->training).activations;
  };
  const double sbh = 512.0 * 4 * 2048, behind = 2 * 2 * sbh;
  CHECK(activations("", "batch: 4, seq: 512") == doctest::Approx(8 * 34 * sbh + behind));
  CHECK(activations("tensor: 4", "batch: 4, seq: 512") == doctest::Approx(8 * (10 + 24.0 / 4) * sbh + behind));
  CHECK(activations("", "batch: 4, seq: 512, recompute: full") == doctest::Approx((8 * 2 + 34) * sbh + behind));
  CHECK(activations("", "batch: 16, seq: 512, micro_batches: 4") == doctest::Approx(8 * 34 * sbh + behind));
  // The first of four stages has two layers, and four micro batches on their way.
  CHECK(activations("pipeline: 4", "batch: 32, seq: 512, micro_batches: 8") == doctest::Approx(4 * 2 * 34 * sbh));
}

TEST_CASE("a pipeline of p stages and m micro batches idles for (p - 1) / m of its work") {
  const char* model = "layers: 8, hidden: 1024, intermediate: 2816, heads: 16, head_dim: 64";
  const RunResult piped =
      run_step(step_of(model, "pipeline: 4", "batch: 8, seq: 512, micro_batches: 8, optimizer: none"));
  double work = 0, idle = 0;
  for (const OpResult& op : piped.ops) {
    work += op.prediction.sparse_us() * static_cast<double>(op.repeat);
    idle += op.prediction.sparse_us() * static_cast<double>(op.bubble);
  }
  const OpResult* send = op_named(piped, "stage.send");
  REQUIRE(send != nullptr);
  work -= send->sparse_us();
  CHECK(idle / work == doctest::Approx(3.0 / 8));
  CHECK(piped.sparse.us() == doctest::Approx(work + idle + send->sparse_us()));
  const RunResult whole = run_step(step_of(model, "", "batch: 8, seq: 512, micro_batches: 8, optimizer: none"));
  CHECK(macs_of(piped) == doctest::Approx(macs_of(whole) / 4));
}

TEST_CASE("gradients are exchanged once, as many bytes as there are weights, behind the last backward pass") {
  const auto exchanged = [](const char* training, const char* name) {
    const RunResult result = run_step(step_of(kSmall, "data: 8", training));
    const OpResult* op = op_named(result, name);
    REQUIRE(op != nullptr);
    return op->prediction.sparse.counters.fabric_bytes * static_cast<double>(op->repeat);
  };
  const double all_reduce = exchanged("batch: 8, seq: 512", "gradients.all_reduce");
  // Embeddings, norms, layers and head in 2 bytes; a ring sends each rank's buffer twice but for its own part.
  const double weights = kLayerWeights + 2 * kHeadWeights + (2 * 4 + 1) * 1024;
  CHECK(all_reduce >= 2 * weights * 8 * 0.87);
  CHECK(all_reduce <= 2 * 2 * weights * 8);
  const double scatter = exchanged("batch: 8, seq: 512, zero: 1", "gradients.reduce_scatter");
  const double gather = exchanged("batch: 8, seq: 512, zero: 1", "weights.all_gather");
  CHECK(scatter == doctest::Approx(gather));
  CHECK(exchanged("batch: 16, seq: 512, zero: 2, micro_batches: 2", "gradients.reduce_scatter") ==
        doctest::Approx(2 * scatter));
  CHECK(exchanged("batch: 16, seq: 512, zero: 3, micro_batches: 2", "weights.all_gather_again") ==
        doctest::Approx(2 * gather));

  const RunResult alone = run_step(step_of(kSmall, "", "batch: 4, seq: 2048"));
  const RunResult eight = run_step(step_of(kSmall, "data: 8", "batch: 32, seq: 2048"));
  const double sum = op_named(eight, "gradients.all_reduce")->sparse_us();
  CHECK(eight.sparse >= alone.sparse);
  CHECK(eight.sparse.us() < alone.sparse.us() + 0.5 * sum);
}

TEST_CASE("tensor parallel steps exchange twice per layer forward and twice backward") {
  const RunResult result = run_step(step_of(kSmall, "tensor: 4", "batch: 2, seq: 512, micro_batches: 2"));
  std::int64_t sums = 0;
  for (const OpResult& op : result.ops)
    if (op.kind == "all_reduce" && (op.name.ends_with("attention.all_reduce") || op.name.ends_with("mlp.all_reduce")))
      sums += op.repeat;
  CHECK(sums == 2 * 4 * 4);
}

TEST_CASE("2:4 networks gain in three of their six products, and pay for their masks once a step") {
  const RunResult sparse = run_step(step_of(kSmall, "", "batch: 16, seq: 1024, micro_batches: 4", "{mlp: \"2:4\"}"));
  CHECK(sparse.realised_speedup() > 1);
  CHECK(sparse.realised_speedup() < 1.5);
  const OpResult* masks = op_named(sparse, "masks: mlp.down");
  REQUIRE(masks != nullptr);
  CHECK(masks->repeat == 4);
  CHECK(masks->dense_us() == 0);
  CHECK(masks->sparse_us() > 0);
  const OpResult* backward = op_named(sparse, "backward: mlp.down");
  REQUIRE(backward != nullptr);
  CHECK(backward->repeat == 16);
  CHECK(backward->prediction.sparsity.declared == doctest::Approx(0.25));  // of inputs' and weights' gradients
}

TEST_CASE("experts train over their devices, whose own gradients are exchanged by none but replicas") {
  const char* model =
      "layers: 2, hidden: 1024, heads: 16, head_dim: 64, experts: {count: 8, top_k: 2, intermediate: 2048}";
  const RunResult one = run_step(step_of(model, "expert: 8", "batch: 8, seq: 512"));
  CHECK(op_named(one, "gradients.all_reduce") != nullptr);
  CHECK(op_named(one, "gradients.all_reduce.experts") == nullptr);
  const RunResult two = run_step(step_of(model, "expert: 4, data: 2", "batch: 8, seq: 512"));
  CHECK(op_named(two, "gradients.all_reduce.experts") != nullptr);
  const OpResult* backward = op_named(one, "backward: experts");
  const OpResult* forward = op_named(one, "experts");
  REQUIRE(backward != nullptr);
  REQUIRE(forward != nullptr);
  CHECK(backward->prediction.sparse.counters.device.useful_macs ==
        doctest::Approx(2 * forward->prediction.sparse.counters.device.useful_macs).epsilon(0.02));
}

TEST_CASE("what training has no model of is refused where it stands") {
  CHECK(mistake_of("data: 8", "batch: 8, seq: 512").empty());
  CHECK(mistake_of("data: 8", "batch: 12, seq: 512").find("must be a multiple of 8") != std::string::npos);
  CHECK(mistake_of("", "batch: 6, micro_batches: 4").find("must be a multiple of 4") != std::string::npos);
  CHECK(mistake_of("", "batch: 4", "{mlp: \"1:4\"}").find("step.yaml:5") != std::string::npos);
  CHECK(mistake_of("", "batch: 4", "{mlp: channels 0.5}").find("pruned_gemm") != std::string::npos);
  CHECK(mistake_of("", "batch: 4, optimizer: lion").find("optimizer") != std::string::npos);
  CHECK(mistake_of("", "batch: 4, zero: 4").find("zero") != std::string::npos);
}

TEST_CASE("an optimizer of many kernels moves its numbers again and again; clipping reads gradients twice") {
  const auto step = [](const std::string& keys) {
    return run_step(step_of(kSmall, "data: 8", "batch: 8, seq: 512, zero: 3" + keys));
  };
  const double own = (kLayerWeights + 2 * kHeadWeights) / 8;  // embeddings and head
  const auto bytes = [&](const RunResult& result, const char* op) {
    return op_named(result, op)->prediction.sparse.counters.device.dram_bytes / own;
  };
  const RunResult plain = step(""), separate = step(", fused: false, clip: true"), wide = step(", reduce_dtype: fp32");
  CHECK(bytes(plain, "optimizer") == doctest::Approx(2 * (2 + 12)).epsilon(0.02));
  CHECK(bytes(separate, "optimizer") == doctest::Approx(4 * (12 + 8)).epsilon(0.02));
  CHECK(bytes(separate, "gradients.clip") == doctest::Approx(3 * 2).epsilon(0.02));
  CHECK(op_named(plain, "gradients.clip") == nullptr);
  CHECK(bytes(wide, "optimizer") == doctest::Approx(4 + 12 + 2 + 12).epsilon(0.02));
  CHECK(separate.dense > plain.dense);
  const auto crossed = [&](const RunResult& result, const char* op) {
    return op_named(result, op)->prediction.sparse.counters.fabric_bytes;
  };
  CHECK(crossed(wide, "gradients.reduce_scatter") == doctest::Approx(2 * crossed(plain, "gradients.reduce_scatter")));
  CHECK(crossed(wide, "weights.all_gather") == crossed(plain, "weights.all_gather"));
  CHECK(mistake_of("data: 8", "batch: 8, reduce_dtype: int8").find("reduce_dtype") != std::string::npos);
}

}  // namespace sparsesim
