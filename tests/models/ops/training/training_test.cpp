// Laws of training steps.

#include "models/ops/training/training.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "models/compute/player.h"
#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/training/sddmm.h"
#include "sim/config/node.h"
#include "tests/support/machines.h"

using namespace sparsesim;

namespace {

LowerContext on_a100(Ideal ideal = {}) { return {machine("a100-sxm4-80gb-x8"), ideal, 1}; }

TrainingSize layer(const std::string& pattern, double sparsity) {
  TrainingSize size;
  size.product.m = 2048;
  size.product.n = 1024;
  size.product.k = 512;
  size.product.pattern = pattern;
  size.product.sparsity = sparsity;
  if (pattern == "block") size.product.block_n = size.product.block_k = 32;
  return size;
}
constexpr double kMacs = 2048.0 * 1024 * 512;
constexpr double kWeights = 1024.0 * 512;

double useful_macs(const Launch& launch) {
  double macs = 0;
  for (const Task& task : launch.tasks) macs += launch.shapes[task.shape].useful_macs;
  return macs;
}
double useful_macs(const Program& program, const std::string& name) {
  double macs = 0;
  for (const Stage& stage : program.stages)
    if (stage.launch && (name.empty() || stage.launch->name == name)) macs += useful_macs(*stage.launch);
  return macs;
}
double stored_bytes(const Launch& launch) {
  double bytes = 0;
  for (const Task& task : launch.tasks) bytes += launch.shapes[task.shape].store_bytes;
  return bytes;
}
double read_bytes(const Launch& launch) {
  double bytes = 0;
  for (const Task& task : launch.tasks) {
    const TaskShape& shape = launch.shapes[task.shape];
    for (const Stream& stream : shape.streams) bytes += stream.bytes_per_step * shape.steps;
  }
  return bytes;
}
double time_us(const Program& program, const std::string& name) {
  double time = 0;
  for (const Stage& stage : program.stages)
    if (stage.launch && stage.device == 0 && stage.launch->name == name)
      time += play(*stage.launch, on_a100().substrate, {}).time.us();
  return time;
}
const Stage* find_exchange(const Program& program) {
  for (const Stage& stage : program.stages)
    if (stage.type == Stage::Type::exchange) return &stage;
  return nullptr;
}

/// What the reader says of a layer's keys.
std::string mistake(const std::string& keys) {
  config::Diagnostics diagnostics;
  config::MapReader map(config::load_text("{m: 64, n: 64, k: 64, " + keys + "}", "test", diagnostics), diagnostics);
  read_training_linear(map);
  return diagnostics.empty() ? "" : diagnostics.mistakes().front().message;
}

MoeFfn experts(int devices) {
  MoeSpec spec;
  spec.tokens = 2048;
  spec.hidden = 1024;
  spec.intermediate = 512;
  spec.experts = 16;
  spec.top_k = 2;
  spec.devices = devices;
  return MoeFfn(spec);
}

}  // namespace

TEST_CASE("the three products of a dense layer have the same multiply-adds: m n k each") {
  const Program program = TrainingLinear(layer("dense", 0)).lower(on_a100());
  for (const char* name : {"forward", "weight_gradient", "input_gradient"})
    CHECK(useful_macs(program, name) == doctest::Approx(kMacs));
}

TEST_CASE("sparse weights: products that skip do the stored share, gradients of all weights stay whole") {
  for (const char* pattern : {"2:4", "unstructured", "block"}) {
    CAPTURE(pattern);
    const double sparsity = std::string(pattern) == "2:4" ? 0.5 : 0.75;
    const Program program = TrainingLinear(layer(pattern, sparsity)).lower(on_a100());
    // Random masks deviate: of 512 blocks one sigma is 4 %.
    CHECK(useful_macs(program, "forward") == doctest::Approx((1 - sparsity) * kMacs).epsilon(0.15));
    CHECK(useful_macs(program, "input_gradient") == doctest::Approx((1 - sparsity) * kMacs).epsilon(0.15));
    CHECK(useful_macs(program, "weight_gradient") == doctest::Approx(kMacs));
  }
}

TEST_CASE("sampled gradients: stored weights times tokens, to the last multiply-add") {
  for (const char* pattern : {"unstructured", "block"}) {
    const TrainingSize size = layer(pattern, 0.9);
    const double stored =
        static_cast<double>(size.product.row_counts(1).total() * size.product.block_n * size.product.block_k);
    const auto launches = lower_sddmm(size.product, on_a100());
    CHECK(useful_macs(launches.back()) == doctest::Approx(stored * 2048));
    CHECK(stored_bytes(launches.back()) == doctest::Approx(stored * 2));
  }
}

TEST_CASE("the vector pipe computes few gradients at its own rate, the matrix unit all of them at 16 times that") {
  // 25 % of the products on a pipe of a sixteenth of the rate is slower than all of them.
  TrainingSize size = layer("unstructured", 0.75);
  const double whole = time_us(TrainingLinear(size).lower(on_a100()), "weight_gradient");
  size.sampled = true;
  CHECK(time_us(TrainingLinear(size).lower(on_a100()), "weight_gradient") > whole);
}

TEST_CASE("the gradient of a bias reads the outputs' gradients once, with sparse weights as with dense ones") {
  TrainingSize size = layer("2:4", 0.5);
  size.bias = true;
  for (const Program& program : {TrainingLinear(size).lower(on_a100()), TrainingLinear(size).lower_dense(on_a100())}) {
    double read = 0, written = 0;
    for (const Stage& stage : program.stages)
      if (stage.launch->name == "bias_gradient") {
        read += read_bytes(*stage.launch);
        written += stored_bytes(*stage.launch);
      }
    CHECK(read == doctest::Approx(2048.0 * 1024 * 2));
    CHECK(written == doctest::Approx(1024.0 * 2));
  }
}

TEST_CASE("regrowing every hundred steps needs all gradients in one of them: a hundredth of the rows in each") {
  TrainingSize size = layer("block", 0.9);
  size.product.n = 6400;
  size.sampled = true;
  size.update = MaskUpdate::prune_and_regrow;
  const double all = 2048.0 * 6400 * 512;
  CHECK(useful_macs(TrainingLinear(size).lower(on_a100()), "regrow_gradient") == doctest::Approx(all / 100));
  size.update = MaskUpdate::fixed;
  CHECK(useful_macs(TrainingLinear(size).lower(on_a100()), "regrow_gradient") == 0);
}

TEST_CASE("2:4 masks of one direction leave the other one dense") {
  TrainingSize size = layer("2:4", 0.5);
  size.product.m = 8192;
  size.product.n = size.product.k = 4096;
  const Program both = TrainingLinear(size).lower(on_a100());
  size.transposable = false;
  const Program one = TrainingLinear(size).lower(on_a100());
  const Program none = TrainingLinear(size).lower_dense(on_a100());
  CHECK(time_us(one, "input_gradient") == time_us(none, "input_gradient"));
  CHECK(time_us(both, "input_gradient") < time_us(one, "input_gradient"));
  CHECK(time_us(one, "weight_pack") < time_us(both, "weight_pack"));  // one packed copy instead of two
  const double half = TrainingLinear(size).sparsity(on_a100()).aligned_dispatch;
  size.transposable = true;
  CHECK(half == doctest::Approx(TrainingLinear(size).sparsity(on_a100()).aligned_dispatch / 2));
}

TEST_CASE(
    "published on A100: 2:4 layers of ViT-L gain 1.24x and 1.27x with their biases; the products alone a little more") {
  for (const auto& [n, k] : {std::pair{4096, 1024}, std::pair{1024, 4096}}) {
    TrainingSize size = layer("2:4", 0.5);
    size.product.m = 13008;
    size.product.n = n;
    size.product.k = k;
    size.optimizer = Optimizer::none;
    const TrainingLinear op(size);
    double dense = 0, sparse = 0;
    for (const char* name : {"forward", "weight_gradient", "input_gradient", "weight_pack"}) {
      dense += time_us(op.lower_dense(on_a100()), name);
      sparse += time_us(op.lower(on_a100()), name);
    }
    CHECK(dense / sparse > 1.2);
    CHECK(dense / sparse < 1.4);
  }
}

TEST_CASE("optimizer bytes by hand") {
  const Memory& memory = machine("a100-sxm4-80gb").memory;
  OptimizerSize size{.kind = Optimizer::adam, .weights = 1000, .dtype = "fp16"};
  OptimizerBytes bytes = optimizer_bytes(size, memory);
  CHECK(bytes.read == 1000 * (2 + 4 + 4 + 4));   // gradient, master weight, two moments
  CHECK(bytes.write == 1000 * (4 + 4 + 4 + 2));  // those three, and the weight that the products read
  size.kind = Optimizer::sgd;
  bytes = optimizer_bytes(size, memory);
  CHECK(bytes.read == 1000 * (2 + 4 + 4));
  CHECK(bytes.write == 1000 * (4 + 4 + 2));
  size.density = 0.1;
  size.packed_gradient = true;
  bytes = optimizer_bytes(size, memory);
  CHECK(bytes.read == doctest::Approx(100 * (2 + 4 + 4)));
  CHECK(bytes.write == doctest::Approx(100 * (4 + 4 + 2)));
  size.packed_gradient =
      false;  // of the gradients' sectors (16 weights each) those with a stored one; 4 bytes of index
  bytes = optimizer_bytes(size, memory);
  CHECK(bytes.read == doctest::Approx(100 * (4 + 4) + 2000 * (1 - std::pow(0.9, 16)) + 400));
  size.kind = Optimizer::none;
  CHECK(optimizer_bytes(size, memory).read == 0);
}

TEST_CASE("the optimizer's launch moves the bytes of its formula") {
  for (const double density : {1.0, 0.2}) {
    const OptimizerSize size{.weights = 1 << 20, .density = density, .packed_gradient = true};
    const OptimizerBytes bytes = optimizer_bytes(size, machine("a100-sxm4-80gb").memory);
    const Launch launch = lower_optimizer(size, machine("a100-sxm4-80gb"));
    CHECK(read_bytes(launch) == doctest::Approx(bytes.read));
    CHECK(stored_bytes(launch) == doctest::Approx(bytes.write));
  }
}

TEST_CASE("packing 2:4 weights both ways reads them once and writes two copies with their places and one shared mask") {
  const MaskSize size{.weights = 1 << 20, .density = 0.5, .copies = 2, .pattern = "2:4"};
  const Launch launch = lower_weight_pack(size, machine("a100-sxm4-80gb"));
  const double half = 0.5 * (1 << 20);
  CHECK(read_bytes(launch) == doctest::Approx(2.0 * (1 << 20)));
  CHECK(stored_bytes(launch) == doctest::Approx(2 * (half * 2 + half * 2 / 8) + (1 << 20) / 8.0));
  CHECK(place_bytes({.weights = 1024, .density = 0.25, .unit = 16, .pattern = "block"}) == 16 * 4);
}

TEST_CASE("the pass that was measured takes the measured time: 255 us for 44160 x 1024 values on A100") {
  const MaskSize size{.weights = 44160.0 * 1024, .density = 0.5, .copies = 2, .pattern = "2:4"};
  const Substrate& a100 = machine("a100-sxm4-80gb");
  CHECK(play(lower_weight_pack(size, a100), a100, {}).time.us() == doctest::Approx(255.1).epsilon(0.03));
}

TEST_CASE("pruning and regrowing every hundred steps costs each step a hundredth of it") {
  const MaskSize size{.weights = 1 << 24, .density = 0.1, .unit = 1024, .pattern = "block"};
  const Substrate& a100 = machine("a100-sxm4-80gb");
  const Launch each = lower_prune_and_regrow(size, 1, a100), rare = lower_prune_and_regrow(size, 100, a100);
  CHECK(read_bytes(each) == doctest::Approx(100 * read_bytes(rare)));
  CHECK(each.fixed_seconds == doctest::Approx(100 * rare.fixed_seconds));
}

TEST_CASE(
    "gradients: whole or the stored share, on one device none; the exchange waits for them and hides behind the "
    "inputs'") {
  TrainingSize size = layer("block", 0.75);
  CHECK(find_exchange(TrainingLinear(size).lower(on_a100())) == nullptr);
  size.devices = 8;
  const Program program = TrainingLinear(size).lower(on_a100());
  const Stage* exchange = find_exchange(program);
  REQUIRE(exchange);
  CHECK(exchange->exchange.bytes_per_rank == doctest::Approx(kWeights * 2));
  CHECK(exchange->after.size() == 8);
  for (const int index : exchange->after)
    CHECK(program.stages[static_cast<std::size_t>(index)].launch->name == "weight_gradient");
  const auto place = static_cast<int>(exchange - program.stages.data());
  for (const Stage& stage : program.stages)
    if (stage.launch) {
      const bool waits = std::find(stage.after.begin(), stage.after.end(), place) != stage.after.end();
      CHECK(waits == (stage.launch->name == "optimizer"));
    }
  size.sparse_gradients = true;
  CHECK(find_exchange(TrainingLinear(size).lower(on_a100()))->exchange.bytes_per_rank ==
        doctest::Approx(kWeights * 2 * 0.25));
}

TEST_CASE("micro batches: each has its products, all share one exchange and one optimizer pass") {
  TrainingSize size = layer("2:4", 0.5);
  size.devices = 2;
  size.micro_batches = 5;
  const Program program = TrainingLinear(size).lower(on_a100());
  std::map<std::string, int> count;
  for (const Stage& stage : program.stages) count[stage.launch ? stage.launch->name : "exchange"] += 1;
  CHECK(count == std::map<std::string, int>{{"forward", 10},
                                            {"weight_gradient", 10},
                                            {"input_gradient", 10},
                                            {"exchange", 1},
                                            {"optimizer", 2},
                                            {"weight_pack", 2}});
}

TEST_CASE("state of stored weights alone needs no packing, for the packed weights are the state") {
  TrainingSize size = layer("block", 0.9);
  const auto packs = [&] { return time_us(TrainingLinear(size).lower(on_a100()), "weight_pack"); };
  CHECK(packs() > 0);
  size.sparse_state = true;
  CHECK(packs() == 0);
}

TEST_CASE("an expert layer backwards: the exchanges once more, each product twice, no routing") {
  const LowerContext context{machine("h100-sxm5-80gb-x8"), {}, 1};
  const Program forward = experts(4).lower(context), backward = backward_of(forward);
  const auto count = [](const Program& program, const std::string& name) {
    return std::count_if(program.stages.begin(), program.stages.end(), [&](const Stage& stage) {
      return stage.launch ? stage.launch->name == name : stage.exchange.name == name;
    });
  };
  for (const char* name : {"moe_dispatch", "moe_combine", "moe_sum"})
    CHECK(count(backward, name) == count(forward, name));
  for (const char* name : {"moe_up", "moe_down", "moe_activation"})
    CHECK(count(backward, name) == 2 * count(forward, name));
  CHECK(count(forward, "moe_router") > 0);
  CHECK(count(backward, "moe_router") == 0);
  CHECK(count(backward, "moe_align") == 0);
}

TEST_CASE("a step of an expert layer has three times the forward multiply-adds, and its stages are in order") {
  const LowerContext context{machine("h100-sxm5-80gb-x8"), {}, 1};
  for (const int devices : {1, 4}) {
    const MoeFfn ffn = experts(devices);
    const MoeTraining op(ffn, Optimizer::adam, 2);
    for (const bool dense : {false, true}) {
      const Program forward = dense ? ffn.lower_dense(context) : ffn.lower(context);
      const Program step = dense ? op.lower_dense(context) : op.lower(context);
      CHECK(useful_macs(step, "") == doctest::Approx(2 * 3 * useful_macs(forward, "")));
      CHECK(step.stages.back().launch->name == "optimizer");
      for (std::size_t i = 0; i < step.stages.size(); ++i)
        for (const int index : step.stages[i].after) {
          CHECK(index >= 0);
          CHECK(index < static_cast<int>(i));
        }
    }
  }
}

TEST_CASE("what contradicts itself is a mistake with its reason") {
  CHECK(mistake("pattern: block, block: [32, 32], sparsity: 0.9").empty());
  CHECK(mistake("pattern: 2:4, weight_gradient: sampled").find("no kernel") != std::string::npos);
  CHECK(mistake("pattern: 2:4, mask_update: prune_and_regrow").find("every_step") != std::string::npos);
  CHECK(mistake("pattern: unstructured, sparsity: 0.9, mask_update: every_step").find("2:4") != std::string::npos);
  CHECK(mistake("pattern: 2:4, optimizer_state: sparse").find("state of all weights") != std::string::npos);
  CHECK(mistake("pattern: block, block: [48, 32], sparsity: 0.5").find("do not divide") != std::string::npos);
  CHECK(mistake("pattern: unstructured, sparsity: 0.9, mask_update: prune_and_regrow, gradients: sparse")
            .find("on every device") != std::string::npos);
}
