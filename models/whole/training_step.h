#pragma once
// One training step of a whole model: its ops, and the memory that it needs (docs/training_step.md).

#include <string>
#include <vector>

#include "models/ops/training/optimizer.h"
#include "models/whole/model.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// What the backward pass computes again instead of keeping it.
enum class Recompute {
  none,
  selective,  // attention alone
  full,       // every layer: only their inputs are kept
};

/// One step of the optimizer over `batch` sequences: forward and backward passes, exchange of gradients, update.
struct TrainingStep {
  std::int64_t batch = 1;          // sequences of a step, over all replicas
  std::int64_t seq = 2048;         // tokens of each
  std::int64_t micro_batches = 1;  // into which a replica cuts its sequences
  Optimizer optimizer = Optimizer::adam;
  Recompute recompute = Recompute::none;
  bool fused = true;  // the optimizer is one kernel; false: one for each of its operations on each weight
  bool clip = false;  // gradients are scaled by their norm before the update
  std::string reduce_dtype = "bf16";  // in which replicas exchange and keep gradients
  std::int64_t zero = 0;              // of ZeRO, what replicas share: 1 optimizer state, 2 gradients too, 3 weights too
  std::string masks;                  // further keys of training_linear for sparse weights: ", mask_update: fixed"
  bool transposable = true;

  /// Sequences of a replica in one pass.
  std::int64_t micro_batch(const ModelParallel& parallel) const { return batch / (parallel.data * micro_batches); }
};

/// The ops of a step on the device with most layers, in order, with the idle time of a pipeline (`bubble`).
/// Valid for batch a multiple of data * micro_batches and of the groups of a replica.
/// Errors: config::ConfigError, at the line of the recipe, for a pattern that training does not know.
std::vector<ModelOp> training_ops(const Model& model, const TrainingStep& step);

/// What a step needs on its fullest device.
/// Activations: Korthikanti et al., arXiv 2205.05198, section 4, per layer and for the stage with most of them in
/// flight; attention kernels keep no scores. Optimizer: adam 12 bytes per weight, sgd 8. ZeRO: arXiv 1910.02054.
PassMemory memory_of(const Model& model, const TrainingStep& step);

/// FLOP of a step over all devices, without recomputation: 6 per active weight and token, 12 heads head_dim seq per
/// layer and token for the scores, half of it where causal. Source: PaLM, arXiv 2204.02311, appendix B.
double model_flops(const Model& model, const TrainingStep& step);

/// Reads the section `training`. Mistakes: a batch that replicas and micro batches do not divide. `resolved` grows by
/// what was read.
TrainingStep read_training(config::MapReader& top, const Model& model, std::string& resolved);
/// The keys of the section itself.
TrainingStep read_training_keys(config::MapReader& map, const Model& model);

}  // namespace sparsesim
