// A training step as ops: the forward pass of a micro batch read back from its own text, and what follows from it.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "models/ops/dense/gemm_kernels.h"
#include "models/whole/layer_ops.h"
#include "models/whole/training_step.h"
#include "models/whole/training_text.h"
#include "models/whole/training_weights.h"
#include "sim/config/reader.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

bool is_part_of_layer(const ModelOp& op) { return !op.name.starts_with("embedding") && !op.name.starts_with("head"); }
bool is_attention(const ModelOp& op) {
  const std::string kind = KeyList(op.keys).get("op");
  return kind == "attention" || kind == "pruned_attention";
}

/// Builds the list; ops wait for the one before unless they say otherwise.
class StepOps {
 public:
  StepOps(const Model& model, const TrainingStep& step)
      : model_(model), step_(step), share_(model), weights_(stage_weights(model)), forward_(pass()) {}

  std::vector<ModelOp> ops() {
    const std::int64_t m = step_.micro_batches;
    if (step_.zero >= 3) gather_weights("weights.all_gather", m, "[]");
    add_pass("", forward_, m, true, forward_keys, step_.zero >= 3 ? "[]" : "");
    add_loss(m);
    add_sends(m);
    if (step_.recompute != Recompute::none) add_pass("recompute: ", again(), m, true, forward_keys, "");
    const bool splits = step_.zero < 2 && replicas_exchange() && m > 1;
    if (splits) add_backward("backward: ", m - 1, true);
    const std::string before = ops_.back().name;
    std::vector<std::string> waits = exchange_gradients(splits ? 1 : m, before);
    add_backward(splits ? "last backward: " : "backward: ", splits ? 1 : m, !splits, config::yaml_text(before));
    waits.insert(waits.begin(), ops_.back().name);
    update(waits);
    return std::move(ops_);
  }

 private:
  bool replicas_exchange() const { return sharers() > 1; }
  std::int64_t sharers() const { return model_.parallel.data * share_.groups; }

  /// The forward pass of a micro batch: losses are of every token, where the model has words to predict.
  std::vector<ModelOp> pass() const {
    const std::int64_t batch = step_.batch / step_.micro_batches;
    std::vector<ModelOp> ops = ops_of_pass(model_, {{{batch, step_.seq, step_.seq}}});
    if (model_.shape.kind == ModelKind::encoder) return ops;
    std::erase_if(ops, [](const ModelOp& op) { return op.name.starts_with("head"); });
    for (ModelOp& op : head_ops(model_, step_.micro_batch(model_.parallel) * step_.seq))
      if (op.name != "head.all_gather") ops.push_back(std::move(op));
    return ops;
  }

  std::vector<ModelOp> again() const {
    std::vector<ModelOp> ops;
    for (const ModelOp& op : forward_)
      if (step_.recompute == Recompute::full ? is_part_of_layer(op) : is_attention(op)) ops.push_back(op);
    return ops;
  }

  /// `times` micro batches; the pipeline's idle time is that of one less than its stages.
  ModelOp repeated(const ModelOp& op, std::int64_t times, bool bubble, const std::string& prefix,
                   std::string keys) const {
    ModelOp out = op;
    out.name = prefix + op.name;
    out.repeat = op.repeat * times;
    out.keys = std::move(keys);
    const std::int64_t idle = op.repeat * (model_.parallel.pipeline - 1);
    if (bubble && idle > 0) out.keys += fmt::format(", bubble: {}", idle);
    return out;
  }

  template <class Keys>
  void add_pass(const std::string& prefix, const std::vector<ModelOp>& pass, std::int64_t times, bool bubble, Keys keys,
                std::string after) {
    for (const ModelOp& op : pass) {
      ops_.push_back(repeated(op, times, bubble, prefix, keys(op)));
      if (!after.empty()) ops_.back().keys += ", after: " + std::exchange(after, "");
    }
  }

  void add_backward(const std::string& prefix, std::int64_t times, bool bubble, const std::string& after = {}) {
    std::vector<ModelOp> reversed(forward_.rbegin(), forward_.rend());
    add_pass(
        prefix, reversed, times, bubble, [&](const ModelOp& op) { return backward_keys(op, step_); }, after);
  }

  void add_loss(std::int64_t times) {
    if (model_.shape.kind == ModelKind::encoder || model_.shape.vocabulary == 0) return;
    const std::int64_t tokens = ceil_div(step_.micro_batch(model_.parallel), share_.groups) * step_.seq;
    std::vector<ModelOp> loss(1);
    loss[0].name = "loss";  // largest score and sum of exponentials; then gradients
    loss[0].keys = pass_op("", tokens * share_.vocabulary, model_.shape.dtype, 2, 1, 8).keys;
    if (model_.parallel.tensor > 1) {
      constexpr double kBytes = 12;  // of each token the largest score, the sum, and the score of the right word
      loss.emplace_back();
      loss[1].name = "loss.all_reduce";
      loss[1].keys = exchange_op("", "all_reduce", kBytes * static_cast<double>(tokens), model_.parallel.tensor).keys;
    }
    add_pass(
        "", loss, times, true, [](const ModelOp& op) { return op.keys; }, "");
  }

  /// Activations forward and gradients backward, for each micro batch.
  void add_sends(std::int64_t times) {
    if (model_.parallel.pipeline == 1) return;
    const auto tokens = static_cast<double>(ceil_div(step_.micro_batch(model_.parallel), share_.groups) * step_.seq);
    const double bytes = tokens * static_cast<double>(model_.shape.hidden) * bytes_per_element(model_.shape);
    const std::int64_t tensor = model_.parallel.tensor;
    add("stage.send", 2 * times, exchange_op("", "send", bytes / static_cast<double>(tensor), tensor).keys);
    if (tensor > 1) add("stage.all_gather", 2 * times, exchange_op("", "all_gather", bytes, tensor).keys);
  }

  void add(const std::string& name, std::int64_t times, std::string keys, const std::string& after = {}) {
    ModelOp op;
    op.name = name;
    op.repeat = times;
    op.keys = std::move(keys);
    if (!after.empty()) op.keys += ", after: " + after;
    ops_.push_back(std::move(op));
  }

  /// A collective over weights or gradients: one among all that share a part, one for experts where fewer do.
  std::vector<std::string> exchange(const std::string& name, const char* collective, std::int64_t times,
                                    const std::string& after, double element) {
    std::vector<std::string> names;
    const auto one = [&](const std::string& suffix, double weights, std::int64_t devices) {
      if (devices < 2 || weights <= 0) return;
      names.push_back(name + suffix);
      add(names.back(), times, exchange_op("", collective, weights * element, devices).keys, after);
    };
    const bool together = share_.groups == 1;
    one("", weights_.shared + (together ? weights_.experts : 0), sharers());
    if (!together) one(".experts", weights_.experts, model_.parallel.data);
    return names;
  }

  void gather_weights(const std::string& name, std::int64_t times, const std::string& after) {
    exchange(name, "all_gather", times, after, bytes_per_element(model_.shape));
  }

  /// Hides behind the backward passes that follow. ZeRO 2 and 3 keep a part of the gradients alone, so that every
  /// micro batch gives its own away.
  std::vector<std::string> exchange_gradients(std::int64_t times, const std::string& before) {
    const std::string after = config::yaml_text(before);
    std::vector<std::string> waits;
    if (step_.zero >= 3)
      waits = exchange("weights.all_gather_again", "all_gather", times, after, bytes_per_element(model_.shape));
    const bool sharded = step_.zero >= 1;
    const std::int64_t rounds = step_.zero >= 2 ? step_.micro_batches : 1;
    for (std::string& name : exchange(sharded ? "gradients.reduce_scatter" : "gradients.all_reduce",
                                      sharded ? "reduce_scatter" : "all_reduce", rounds, after, gradient_bytes()))
      waits.push_back(std::move(name));
    return waits;
  }

  double gradient_bytes() const { return element_bytes(step_.reduce_dtype); }

  static std::string fp32_pass(double elements, double reads, double writes, double flops) {
    return pass_op("", static_cast<std::int64_t>(std::ceil(elements)), "fp32", reads, writes, flops).keys;
  }

  /// Fused: gradient, master weight and moments are read, new weights and the state written. Else each operation reads
  /// and writes its own (docs/training_step.md).
  std::string optimizer_pass(double own) const {
    const bool adam = step_.optimizer == Optimizer::adam;
    const double flops = adam ? 14 : 4, state = adam ? 12 : 8;
    if (!step_.fused) return adam ? fp32_pass(own, 12, 8, flops) : fp32_pass(own, 5, 3, flops);
    return fp32_pass(own, (gradient_bytes() + state) / 4, (bytes_per_element(model_.shape) + state) / 4, flops);
  }

  void update(const std::vector<std::string>& waits) {
    std::vector<std::string> quoted;
    for (const std::string& name : waits) quoted.push_back(config::yaml_text(name));
    std::string after = fmt::format("[{}]", fmt::join(quoted, ", "));
    const bool sharded = step_.zero >= 1;
    const double own = weights_.shared / static_cast<double>(sharded ? sharers() : 1) +
                       weights_.experts / static_cast<double>(sharded ? model_.parallel.data : 1);
    if (step_.clip) {  // its norm, then the scaling
      const double words = gradient_bytes() / 4;
      add("gradients.clip", 1, fp32_pass(own, 2 * words, words, 3), std::exchange(after, ""));
    }
    if (step_.optimizer != Optimizer::none) add("optimizer", 1, optimizer_pass(own), std::exchange(after, ""));
    for (const ModelOp& op : forward_) {
      const KeyList keys(op.keys);
      if (keys.get("op") != "spmm") continue;
      add("masks: " + op.name, op.repeat, sparse_part(op, "masks", step_), std::exchange(after, ""));
    }
    if (sharded && step_.zero < 3) exchange("weights.all_gather", "all_gather", 1, "", bytes_per_element(model_.shape));
  }

  const Model& model_;
  const TrainingStep& step_;
  const DeviceShare share_;
  const StageWeights weights_;
  const std::vector<ModelOp> forward_;
  std::vector<ModelOp> ops_;
};

}  // namespace

std::vector<ModelOp> training_ops(const Model& model, const TrainingStep& step) { return StepOps(model, step).ops(); }

}  // namespace sparsesim
