// Whole models: parameters, shares of devices, and the ops that passes consist of.
#include "models/whole/model.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "models/whole/model_read.h"
#include "models/whole/op_text.h"

namespace sparsesim {
namespace {

Model shipped(const std::string& name) {
  config::Diagnostics diagnostics;
  const auto path = std::filesystem::path(SPARSESIM_SOURCE_DIR) / "workloads" / (name + ".yaml");
  const config::Node tree = config::load_file(path.string(), diagnostics);
  config::MapReader top(tree, diagnostics);
  std::string resolved;
  Model model = read_model(top, resolved);
  diagnostics.throw_if_any();
  return model;
}

Model on(Model model, ModelParallel parallel) {
  model.parallel = parallel;
  return model;
}

RecipeRule rule(std::vector<std::string> modules, std::string pattern, std::int64_t first, std::int64_t last,
                double sparsity = 0) {
  RecipeRule made;
  made.modules = std::move(modules);
  made.pattern = std::move(pattern);
  made.first = first;
  made.last = last;
  made.sparsity = sparsity;
  return made;
}

double parameters(const Model& model) {
  const double element = model.shape.dtype == "fp32" ? 4 : 2;
  return bytes_of(on(model, {})).weights / element;
}

const ModelOp& named(const std::vector<ModelOp>& ops, const std::string& name) {
  for (const ModelOp& op : ops)
    if (op.name == name) return op;
  FAIL("no op " << name);
  return ops.front();
}

TEST_CASE("shipped models have as many parameters as was published, within one percent") {
  const std::pair<const char*, double> published[] = {{"llama-2-7b", 6.74e9},   {"llama-2-70b", 68.98e9},
                                                      {"mixtral-8x7b", 46.7e9}, {"qwen3-30b-a3b", 30.53e9},
                                                      {"bert-large", 335e6},    {"vit-l", 304e6}};
  for (const auto& [name, count] : published) {
    CAPTURE(name);
    CHECK(parameters(shipped(name)) == doctest::Approx(count).epsilon(0.01));
  }
}

TEST_CASE("eight devices that split every product have an eighth of the weights each") {
  const Model model = shipped("llama-2-70b");
  const double norms = (2.0 * 80 + 1) * 8192 * 2;  // bytes; every device has them whole
  const double one = bytes_of(on(model, {})).weights, eighth = bytes_of(on(model, {.tensor = 8})).weights;
  CHECK(8 * (eighth - norms) == doctest::Approx(one - norms).epsilon(1e-12));
  CHECK(8 * bytes_of(on(model, {.tensor = 8})).kv_per_token == bytes_of(on(model, {})).kv_per_token);
  CHECK(bytes_of(on(model, {})).kv_per_token == 80 * 2 * 8 * 128 * 2);
}

TEST_CASE("stages of a pipeline have the layers between them, the first ones one more") {
  const Model model = shipped("llama-2-7b");
  const Pass pass{{{1, 128, 128}}};
  CHECK(named(ops_of_pass(on(model, {.pipeline = 5}), pass), "mlp.down").repeat == 7);
  const auto latency = latency_ops(on(model, {.pipeline = 5}), pass);
  CHECK(named(latency, "mlp.down").repeat == 32);
  CHECK(named(latency, "stage.send").repeat == 4);
  CHECK(named(latency, "stage.send").keys == "op: send, bytes: 1048576 B, devices: 1");
}

TEST_CASE("2:4 weights of 16 bits take 9/16 of their bytes") {
  Model model = shipped("llama-2-7b");
  const double dense = bytes_of(model).weights;
  model.recipe = {rule({"mlp"}, "2:4", 0, 31)};
  const ModelBytes sparse = bytes_of(model);
  const double network = 32 * 3.0 * 4096 * 11008 * 2;
  CHECK(dense - sparse.weights == network / 2);
  CHECK(sparse.metadata == network / 16);
}

TEST_CASE("a recipe changes the layers that it names and no others") {
  Model model = shipped("llama-2-7b");
  const Pass pass{{{1, 128, 128}}};
  const auto before = ops_of_pass(model, pass);
  model.recipe = {rule({"mlp.down"}, "2:4", 16, 31)};
  const auto after = ops_of_pass(model, pass);
  CHECK(named(after, "layers 0-15: mlp.down").keys == named(before, "mlp.down").keys);
  CHECK(named(after, "layers 0-15: mlp.down").repeat == 16);
  CHECK(named(after, "layers 16-31: mlp.down").keys ==
        "op: spmm, m: 128, n: 4096, k: 11008, dtype: fp16, pattern: \"2:4\"");
  CHECK(after.size() == before.size() + 1);
  CHECK(named(after, "mlp.gate_up").repeat == 32);
}

TEST_CASE("layers are named so that different ones have different names") {
  Model model = shipped("llama-2-7b");
  for (const std::int64_t layer : {0, 2, 6, 8, 10, 14, 31})
    model.recipe.push_back(rule({"mlp.down"}, "2:4", layer, layer));
  for (const std::int64_t layer : {1, 3, 5, 7, 9, 11}) model.recipe.push_back(rule({"mlp.down"}, "1:4", layer, layer));
  const auto ops = ops_of_pass(model, {{{1, 128, 128}}});
  CHECK(named(ops, "layers 0,2,6,8,10,14,31: mlp.down").repeat == 7);
  CHECK(named(ops, "layers 1,3,..,11: mlp.down").repeat == 6);
  CHECK(named(ops, "layers 4,12-13,15-30: mlp.down").repeat == 19);
}

TEST_CASE("the parts of a pass are the pass") {
  const Model model = on(shipped("mixtral-8x7b"), {.tensor = 2});
  const AttentionCall call{4, 1, 1000};
  const auto whole = ops_of_pass(model, {{call}});
  std::vector<ModelOp> parts = token_ops(model, 4);
  for (const ModelOp& op : attention_ops(model, call)) parts.push_back(op);
  for (const ModelOp& op : head_ops(model, 4)) parts.push_back(op);
  CHECK(parts.size() == whole.size());
  for (const ModelOp& part : parts) {
    CAPTURE(part.name);
    CHECK(named(whole, part.name).keys == part.keys);
    CHECK(named(whole, part.name).repeat == part.repeat);
  }
}

RecipeRule keeping(RecipeRule made, std::int64_t keep) {
  made.keep = keep;
  return made;
}

TEST_CASE("half of the layers are half of their weights, keys and values, and of the stack's runs") {
  Model model = shipped("llama-2-7b");
  Model half = model;
  half.shape.layers = 16;
  for (const ModelParallel& parallel : {ModelParallel{}, ModelParallel{.tensor = 2}, ModelParallel{.pipeline = 3}}) {
    CAPTURE(parallel.devices());
    for (const auto& [first, last] : {std::pair{16, 31}, {0, 15}, {8, 23}}) {
      model.recipe = {rule({"all"}, "removed", first, last)};
      CHECK(bytes_of(on(model, parallel)).weights == bytes_of(on(half, parallel)).weights);
      CHECK(bytes_of(on(model, parallel)).kv_per_token == bytes_of(on(half, parallel)).kv_per_token);
      CHECK(kv_bytes(on(model, parallel), 3, 500) == kv_bytes(on(half, parallel), 3, 500));
      const auto left = ops_of_pass(on(model, parallel), {{{1, 128, 128}}});
      for (const ModelOp& op : ops_of_pass(on(half, parallel), {{{1, 128, 128}}})) {
        CAPTURE(op.name);
        const ModelOp& same = named(left, op.name);
        CHECK(same.keys == op.keys);
        CHECK(same.kept() == op.repeat);
      }
    }
  }
}

TEST_CASE("attention alone can be removed, and takes its keys, its norm and its exchange with it") {
  Model model = on(shipped("llama-2-70b"), {.tensor = 8});
  const ModelBytes before = bytes_of(model);
  model.recipe = {rule({"attention"}, "removed", 60, 79)};
  const double heads = (8 + 2 * 1) * 128.0 * 8192, out = 8 * 128.0 * 8192, norm = 8192;
  CHECK(before.weights - bytes_of(model).weights == 20 * 2 * (heads + out + norm));
  CHECK(bytes_of(model).kv_per_token == before.kv_per_token * 60 / 80);
  const auto ops = ops_of_pass(model, {{{1, 128, 128}}});
  for (const char* name : {"attention.norm", "attention.qkv", "attention.scores", "attention.all_reduce"})
    CHECK(named(ops, name).removed == 20);
  for (const char* name : {"mlp.norm", "mlp.down", "mlp.all_reduce"}) CHECK(named(ops, name).removed == 0);
}

TEST_CASE("what is removed stays so under later rules, until one says dense of the block") {
  Model model = shipped("llama-2-7b");
  model.recipe = {rule({"all"}, "removed", 16, 31), rule({"mlp"}, "2:4", 0, 31), rule({"mlp"}, "dense", 20, 23)};
  const auto ops = ops_of_pass(model, {{{1, 128, 128}}});
  CHECK(named(ops, "layers 0-19,24-31: mlp.down").removed == 12);
  CHECK(named(ops, "layers 20-23: mlp.down").removed == 0);
  CHECK(named(ops, "attention.qkv").removed == 16);
}

TEST_CASE("a removed width leaves the narrower model, weight by weight") {
  Model model = shipped("llama-2-70b");
  Model narrow = model;
  narrow.shape.intermediate = 14336;
  narrow.shape.heads = 48;
  narrow.shape.kv_heads = 6;
  model.recipe = {keeping(rule({"mlp"}, "channels", 0, 79), 14336), keeping(rule({"attention"}, "heads", 0, 79), 48)};
  for (const std::int64_t tensor : {1, 2}) {
    CHECK(bytes_of(on(model, {.tensor = tensor})).weights == bytes_of(on(narrow, {.tensor = tensor})).weights);
    CHECK(bytes_of(on(model, {.tensor = tensor})).kv_per_token ==
          bytes_of(on(narrow, {.tensor = tensor})).kv_per_token);
  }
  Model experts = shipped("qwen3-30b-a3b"), fewer = experts;
  fewer.shape.experts->count = 96;
  experts.recipe = {rule({"experts"}, "experts", 0, 47, 0.25)};
  CHECK(bytes_of(experts).weights == bytes_of(fewer).weights);
  CHECK(bytes_of(on(experts, {.expert = 8})).weights == bytes_of(on(fewer, {.expert = 8})).weights);
}

TEST_CASE("fp8 weights of layers are a byte and their part of a scale each; the rest keeps its type") {
  Model model = shipped("deepseek-v3");
  model.parallel = {};
  REQUIRE(model.shape.weights.type == "fp8");
  const double stored = bytes_of(model).weights;
  model.shape.weights = {};
  const double wide = bytes_of(model).weights;
  CHECK(wide / 2 == doctest::Approx(671e9).epsilon(0.01));
  // 16 bits: embeddings and head, routers, norms, and the projections that decode absorbs.
  const double words = 2.0 * 129280 * 7168, routers = 58.0 * 7168 * 256, norms = (2.0 * 61 + 1) * 7168;
  const double absorbed = 61.0 * 128 * (128 + 128) * 512, kept = words + routers + norms + absorbed;
  CHECK(stored == doctest::Approx((wide / 2 - kept) * (1 + 4.0 / 16384) + 2 * kept).epsilon(1e-12));

  Model llama = shipped("llama-2-7b");
  const double before = bytes_of(llama).weights, products = 32.0 * (4 * 4096 * 4096 + 3 * 4096 * 11008.0);
  llama.shape.weights = {.type = "fp8", .block = 0};
  CHECK(before - bytes_of(llama).weights == products);
  llama.recipe = {keeping(rule({"mlp"}, "channels", 0, 31), 5504)};
  CHECK(before - bytes_of(llama).weights == products + 32 * 3 * 4096 * 5504.0);
  CHECK(bytes_of(llama).kv_per_token == bytes_of(shipped("llama-2-7b")).kv_per_token);
}

TEST_CASE("integer weights of layers are their bits and a scale of 16 bits per group") {
  Model llama = shipped("llama-2-7b");
  const double before = bytes_of(llama).weights, network = 32.0 * 3 * 4096 * 11008.0;
  const double products = 32.0 * 4 * 4096 * 4096 + network;
  llama.shape.weights = {.type = "int4", .block = 128};
  CHECK(before - bytes_of(llama).weights == doctest::Approx(products * (2 - 0.5 - 2.0 / 128)).epsilon(1e-12));
  llama.shape.weights = {.type = "int8", .block = 0};
  CHECK(before - bytes_of(llama).weights == products);
  // Half of the values of 4 bits, with 2 bits for the place of each.
  llama.shape.weights = {.type = "int4", .block = 0};
  const double dense = bytes_of(llama).weights;
  llama.recipe = {rule({"mlp"}, "2:4", 0, 31, 0)};
  CHECK(dense - bytes_of(llama).weights == network * 0.25);
  CHECK(bytes_of(llama).metadata == network / 2 * 0.25);
}

TEST_CASE("keys and values kept in fp8 are half the bytes; weights do not change") {
  Model llama = shipped("llama-2-7b");
  const ModelBytes wide = bytes_of(llama);
  llama.shape.kv_dtype = "fp8";
  CHECK(bytes_of(llama).kv_per_token == wide.kv_per_token / 2);
  CHECK(bytes_of(llama).weights == wide.weights);
}

TEST_CASE("every op of every shipped model can be read") {
  for (const char* name :
       {"llama-2-7b", "llama-2-70b", "mixtral-8x7b", "qwen3-30b-a3b", "deepseek-v3", "bert-large", "vit-l"}) {
    const Model model = shipped(name);
    const Pass pass =
        model.shape.kind == ModelKind::decoder ? Pass{{{2, 1, 300}, {1, 64, 128}}} : Pass{{{2, 100, 100}}};
    for (const ModelOp& op : ops_of_pass(model, pass)) {
      CAPTURE(op.keys);
      CHECK(read_op_text(op.keys, "") != nullptr);
    }
  }
}

}  // namespace
}  // namespace sparsesim
