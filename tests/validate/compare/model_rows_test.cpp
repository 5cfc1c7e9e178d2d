// Rows of whole layers and models: what they stand for, in whatever words.

#include "validate/compare/model_rows.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "validate/compare/known_models.h"
#include "validate/compare/predict.h"

using namespace sparsesim;

namespace {

MeasuredOp model_row(const char* op, std::map<std::string, std::string> params, std::int64_t m = 0) {
  MeasuredOp row;
  row.op = op;
  row.m = m;
  row.dtype = "fp16";
  row.pattern = "dense";
  row.params = std::move(params);
  return row;
}

const WorkloadOp* op_of(const Workload& workload, const std::string& name) {
  for (const WorkloadOp& op : workload.ops)
    if (op.name == name) return &op;
  return nullptr;
}

RowPrediction predicted(const MeasuredOp& op, double speedup = 0) {
  Measurement row;
  row.id = "r";
  row.device = "a100";
  row.op = op;
  row.time_us = 1000;
  if (speedup > 0) row.speedup = speedup;
  SubstrateCache substrates({{SPARSESIM_SOURCE_DIR "/substrates"}});
  return predict_rows({&row}, substrates, {}).front();
}

std::string refusal(const MeasuredOp& op) {
  try {
    workload_from_row(op);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a model goes by its name, as people write it") {
  for (const char* name : {"llama-2-7b", "meta-llama/Llama-2-7b-hf", "LLAMA2_7B", "Llama-2-7B-chat"}) {
    CAPTURE(name);
    const KnownModel* known = find_known_model(name);
    REQUIRE(known != nullptr);
    CHECK(known->name == "llama-2-7b");
  }
  CHECK(find_known_model("mistralai/Mixtral-8x7B-Instruct-v0.1")->name == "mixtral-8x7b");
  CHECK(find_known_model("bert-large-uncased")->name == "bert-large");
  CHECK(find_known_model("no-such-model") == nullptr);
  // Every row is a model that the language reads.
  for (const std::string& name : known_model_names()) {
    CAPTURE(name);
    CHECK(refusal(model_row("model", {{"model", name}})).empty());
  }
}

TEST_CASE("a row's own sizes, in several spellings, are the same model") {
  const Workload named = workload_from_row(model_row("model", {{"model", "llama-2-7b"}, {"seq", "1024"}}));
  const Workload sized = workload_from_row(model_row("model", {{"num_layers", "32"},
                                                               {"hidden_size", "4096"},
                                                               {"intermediate_size", "11008"},
                                                               {"num_attention_heads", "32"},
                                                               {"vocab_size", "32000"},
                                                               {"isl", "1024"}}));
  CHECK(named.resolved == sized.resolved);
  MeasuredOp columns = model_row("layer", {{"heads", "32"}}, 1024);
  columns.n = 11008;
  columns.k = 4096;
  const Workload layer = workload_from_row(columns);
  CHECK(layer.model->model.shape.hidden == 4096);
  CHECK(layer.model->model.shape.intermediate == 11008);
  CHECK(layer.model->pass.tokens() == 1024);
}

TEST_CASE("a layer is one layer, without embedding and head, in every phase") {
  for (const char* phase : {"prefill", "decode", "training"}) {
    const Workload layer = workload_from_row(
        model_row("layer", {{"model", "llama-2-7b"}, {"phase", phase}, {"batch", "4"}, {"seq", "512"}}));
    for (const WorkloadOp& op : layer.ops) {
      CHECK(op.repeat == 1);
      CHECK(op.name.find("embedding") == std::string::npos);
      CHECK(op.name.find("head") == std::string::npos);
      for (const int before : op.after) CHECK(before < static_cast<int>(layer.ops.size()));
    }
    CHECK(op_of(layer, "mlp.down") != nullptr);
    CHECK((op_of(layer, "backward: mlp.down") != nullptr) == (std::string(phase) == "training"));
  }
}

TEST_CASE("32 layers take 32 times as long as one") {
  const std::map<std::string, std::string> params = {{"model", "llama-2-7b"}, {"phase", "decode"}, {"batch", "8"}};
  const double layer = predicted(model_row("layer", params)).time_us;
  const double model = predicted(model_row("model", params)).time_us;
  CHECK(model > 32 * layer);
  CHECK(model < 33.5 * layer);
}

TEST_CASE("sparsity comes from a recipe, or from the row's columns") {
  MeasuredOp columns = model_row("model", {{"model", "llama-2-7b"}, {"modules", "mlp"}}, 2048);
  columns.pattern = "2:4";
  columns.sparsity = 0.5;
  const MeasuredOp recipe = model_row("model", {{"model", "llama-2-7b"}, {"recipe", "mlp:2:4"}}, 2048);
  const RowPrediction a = predicted(columns, 1.2), b = predicted(recipe, 1.2);
  REQUIRE(!a.failed);
  CHECK(a.time_us == b.time_us);
  CHECK(*a.speedup == *b.speedup);
  CHECK(*a.speedup > 1.1);
  const Workload mixed = workload_from_row(
      model_row("model", {{"model", "llama-2-7b"}, {"recipe", "mlp:2:4,attention.qkv:unstructured:0.5"}}, 64));
  CHECK(op_of(mixed, "mlp.down")->op->pattern() == "2:4");
  CHECK(op_of(mixed, "attention.qkv")->op->pattern() == "unstructured");
  CHECK(op_of(mixed, "attention.output")->op->pattern() == "dense");
  MeasuredOp window = model_row("layer", {{"model", "mistral-7b"}, {"window", "512"}}, 4096);
  window.pattern = "window";
  CHECK(op_of(workload_from_row(window), "attention.scores")->op->pattern() == "window");
}

TEST_CASE("devices that no param names split the products, or the sequences of a training step") {
  MeasuredOp row = model_row("model", {{"model", "llama-2-7b"}, {"batch", "8"}, {"seq", "128"}});
  row.devices = 8;
  CHECK(workload_from_row(row).model->model.parallel.tensor == 8);
  row.params["phase"] = "training";
  CHECK(workload_from_row(row).model->model.parallel.data == 8);
  row.params["tp"] = "2";
  row.params["zero"] = "1";
  const Workload step = workload_from_row(row);
  CHECK(step.model->model.parallel.tensor == 2);
  CHECK(step.model->model.parallel.data == 4);
  CHECK(step.model->training->zero == 1);
}

TEST_CASE("a row that names no shape is refused with a reason, never dropped") {
  CHECK(refusal(model_row("model", {{"model", "lama-2-7b"}})).find("did you mean \"llama-2-7b\"") != std::string::npos);
  CHECK(refusal(model_row("layer", {})).find("needs model") != std::string::npos);
  CHECK(refusal(model_row("model", {{"model", "gpt2"}, {"phase", "sideways"}})).find("phase=") != std::string::npos);
  CHECK(refusal(model_row("model", {{"model", "gpt2"}, {"batch", "many"}})).find("no whole number") !=
        std::string::npos);
  const RowPrediction failed = predicted(model_row("model", {{"model", "gpt2"}, {"layers", "-1"}}));
  CHECK(failed.failed);
  CHECK(failed.reason.find("layers") != std::string::npos);
}
