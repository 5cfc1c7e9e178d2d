// The section `training` of a workload.

#include <fmt/format.h>

#include <array>

#include "models/ops/limits.h"
#include "models/whole/model_read.h"
#include "models/whole/training_step.h"

namespace sparsesim {
namespace {

void read_masks(config::MapReader& map, TrainingStep& step) {
  static constexpr std::array<std::string_view, 2> kUpdates = {"fixed", "prune_and_regrow"};
  static constexpr std::array<std::string_view, 2> kGradients = {"dense", "sampled"};
  step.transposable = map.boolean("transposable", true);
  const std::string update = map.choice("mask_update", kUpdates, "fixed");
  step.masks =
      fmt::format(", mask_update: {}, weight_gradient: {}", update, map.choice("weight_gradient", kGradients, "dense"));
  if (update == "prune_and_regrow")
    step.masks += fmt::format(", update_every: {}", map.integer("update_every", 1, 1'000'000, 100));
}

void check_step(config::MapReader& map, const Model& model, const TrainingStep& step) {
  const ModelParallel& p = model.parallel;
  const std::int64_t parts = p.data * step.micro_batches * std::max<std::int64_t>(1, p.expert / p.tensor);
  if (step.batch % parts != 0)
    map.mistake("batch",
                fmt::format("batch ({}) must be a multiple of {}: replicas times micro batches, and the groups of "
                            "devices that divide them",
                            step.batch, parts));
  if (static_cast<double>(step.batch) * static_cast<double>(step.seq) > static_cast<double>(kLayerExtentMost))
    map.mistake("batch", fmt::format("{} x {} tokens in one step, at most {}", step.batch, step.seq, kLayerExtentMost));
}

}  // namespace

TrainingStep read_training_keys(config::MapReader& map, const Model& model) {
  static constexpr std::array<std::string_view, 3> kOptimizers = {"none", "sgd", "adam"};
  static constexpr std::array<std::string_view, 3> kReduce = {"bf16", "fp16", "fp32"};
  static constexpr std::array<std::string_view, 3> kRecompute = {"none", "selective", "full"};
  TrainingStep step;
  step.batch = map.integer("batch", 1, kLayerExtentMost, model.parallel.data);
  step.seq = map.integer("seq", 1, kLayerExtentMost, 2048);
  step.micro_batches = map.integer("micro_batches", 1, 1 << 16, 1);
  const std::string optimizer = map.choice("optimizer", kOptimizers, "adam");
  step.optimizer = optimizer == "none" ? Optimizer::none : optimizer == "sgd" ? Optimizer::sgd : Optimizer::adam;
  step.fused = map.boolean("fused", true);
  step.clip = map.boolean("clip", false);
  step.reduce_dtype = map.choice("reduce_dtype", kReduce, model.shape.dtype);
  const std::string recompute = map.choice("recompute", kRecompute, "none");
  step.recompute = recompute == "full"        ? Recompute::full
                   : recompute == "selective" ? Recompute::selective
                                              : Recompute::none;
  step.zero = map.integer("zero", 0, 3, 0);
  read_masks(map, step);
  check_step(map, model, step);
  return step;
}

TrainingStep read_training(config::MapReader& top, const Model& model, std::string& resolved) {
  const auto given = top.map("training");
  if (!given) return {};
  config::MapReader map(*given, top.diagnostics());
  const TrainingStep step = read_training_keys(map, model);
  map.finish();
  resolved += "training:\n" + declared_text(map, "  ");
  return step;
}

}  // namespace sparsesim
