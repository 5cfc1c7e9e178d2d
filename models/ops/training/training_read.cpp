// How training steps are read from workloads.

#include <fmt/format.h>

#include <array>
#include <span>
#include <string_view>

#include "models/ops/limits.h"
#include "models/ops/training/training.h"

namespace sparsesim {
namespace {

constexpr std::int64_t kMostMicroBatches = 1024;
constexpr std::array<std::string_view, 3> kOptimizers = {"none", "sgd", "adam"};

Optimizer read_optimizer(config::MapReader& map) {
  const std::string name = map.choice("optimizer", kOptimizers, "adam");
  return name == "none" ? Optimizer::none : name == "sgd" ? Optimizer::sgd : Optimizer::adam;
}

TrainingPart read_part(config::MapReader& map, bool whole_or_backward) {
  static constexpr std::array<std::string_view, 4> kParts = {"step", "backward", "forward", "masks"};
  const std::string name = map.choice("part", std::span(kParts).first(whole_or_backward ? 2 : 4), "step");
  return name == "forward"    ? TrainingPart::forward
         : name == "backward" ? TrainingPart::backward
         : name == "masks"    ? TrainingPart::masks
                              : TrainingPart::step;
}

/// A part of a step has no update and nothing to exchange.
void check_part(config::MapReader& map, TrainingPart part, Optimizer optimizer, int devices) {
  if (part == TrainingPart::step) return;
  if (optimizer != Optimizer::none) map.mistake("part", "a part of a step has optimizer: none");
  if (devices > 1) map.mistake("devices", "a part of a step is that of one device: devices: 1");
}

void read_pattern(config::MapReader& map, TrainingSize& size) {
  static constexpr std::array<std::string_view, 5> kPatterns = {"dense", "2:4", "unstructured", "vector", "block"};
  SpmmSize& product = size.product;
  product.pattern = map.choice("pattern", kPatterns, "dense");
  if (product.pattern == "2:4") {
    product.sparsity = 0.5;
    size.transposable = map.boolean("transposable", true);
    return;
  }
  if (product.pattern == "dense") return;
  product.sparsity = map.number("sparsity", config::Range::between(0, 1));
  size.second_copy = map.boolean("second_copy", false);
  if (product.pattern == "unstructured") return;
  const auto block = map.integers("block", 1, 4096, 2);
  if (const auto given = map.optional("block"); given && given->type() != config::Node::Type::sequence) return;
  if (block.size() != 2) {
    map.mistake("block", "block is [rows, columns] of a stored unit");
    return;
  }
  product.block_n = block[0];
  product.block_k = block[1];
  if (product.n % product.block_n != 0 || product.k % product.block_k != 0)
    map.mistake("block", fmt::format("blocks of {} x {} do not divide weights of {} x {}", product.block_n,
                                     product.block_k, product.n, product.k));
}

void read_update(config::MapReader& map, TrainingSize& size) {
  static constexpr std::array<std::string_view, 3> kUpdates = {"fixed", "every_step", "prune_and_regrow"};
  static constexpr std::array<std::string_view, 2> kGradients = {"dense", "sampled"};
  const std::string& pattern = size.product.pattern;
  const std::string update = map.choice("mask_update", kUpdates, pattern == "2:4" ? "every_step" : "fixed");
  size.update = update == "every_step"         ? MaskUpdate::every_step
                : update == "prune_and_regrow" ? MaskUpdate::prune_and_regrow
                                               : MaskUpdate::fixed;
  if (size.update == MaskUpdate::prune_and_regrow) size.update_every = map.integer("update_every", 1, 1'000'000, 100);
  size.sampled = map.choice("weight_gradient", kGradients, "dense") == "sampled";
  if (size.update == MaskUpdate::every_step && pattern != "2:4")
    map.mistake("mask_update", "every_step chooses 2 of 4 weights: it needs pattern 2:4");
  if (size.update == MaskUpdate::prune_and_regrow && pattern == "2:4")
    map.mistake("mask_update", "2:4 masks are chosen in every_step, or fixed");
  if (size.sampled && pattern == "2:4")
    map.mistake("weight_gradient", "no kernel computes the gradients of 2:4 weights alone");
}

void read_state(config::MapReader& map, TrainingSize& size) {
  static constexpr std::array<std::string_view, 2> kKept = {"dense", "sparse"};
  size.optimizer = read_optimizer(map);
  size.sparse_state = map.choice("optimizer_state", kKept, "dense") == "sparse";
  size.sparse_gradients = map.choice("gradients", kKept, "dense") == "sparse";
  if (size.sparse_state && size.update == MaskUpdate::every_step)
    map.mistake("optimizer_state", "a mask that may change in every step needs the state of all weights: dense");
  if (size.sparse_gradients && size.update != MaskUpdate::fixed)
    map.mistake("gradients", "a mask that changes needs the gradients of all weights on every device: dense");
}

}  // namespace

std::unique_ptr<Op> read_training_linear(config::MapReader& map) {
  static constexpr std::array<std::string_view, 3> kTypes = {"fp16", "bf16", "fp32"};
  const std::size_t before = map.diagnostics().mistakes().size();
  TrainingSize size;
  SpmmSize& product = size.product;
  product.m = map.integer("m", 1, kExtentMost);
  product.n = map.integer("n", 1, kExtentMost);
  product.k = map.integer("k", 1, kExtentMost);
  product.dtype = map.choice("dtype", kTypes, "fp16");
  size.bias = map.boolean("bias", false);
  read_pattern(map, size);
  if (product.pattern != "dense") read_update(map, size);
  if (product.pattern == "dense")
    size.optimizer = read_optimizer(map);
  else
    read_state(map, size);
  size.devices = static_cast<int>(map.integer("devices", 1, 1024, 1));
  size.micro_batches = map.integer("micro_batches", 1, kMostMicroBatches, 1);
  size.part = read_part(map, false);
  check_part(map, size.part, size.optimizer, size.devices);
  if (size.part == TrainingPart::masks && product.pattern == "dense")
    map.mistake("part", "dense weights have no masks");
  if (map.diagnostics().mistakes().size() != before) return nullptr;
  return std::make_unique<TrainingLinear>(std::move(size));
}

std::unique_ptr<Op> read_moe_training(config::MapReader& map) {
  const auto layer = read_moe(map);
  const Optimizer optimizer = read_optimizer(map);
  const std::int64_t micro_batches = map.integer("micro_batches", 1, kMostMicroBatches, 1);
  const TrainingPart part = read_part(map, true);
  check_part(map, part, optimizer, 1);
  const auto* moe = dynamic_cast<const MoeFfn*>(layer.get());
  if (!moe) return nullptr;
  return std::make_unique<MoeTraining>(*moe, optimizer, micro_batches, part);
}

std::unique_ptr<Op> training_from_row(const MeasuredOp& row) {
  throw UnsupportedError(row.op + " is no measured operation: measure its products");
}

}  // namespace sparsesim
