#pragma once
// Training steps: forward product, both backward products, exchange of gradients, optimizer and mask update.

#include <cstdint>
#include <memory>
#include <string>

#include "models/ops/experts/moe.h"
#include "models/ops/training/mask_update.h"
#include "models/ops/training/optimizer.h"
#include "models/ops/weights/spmm.h"

namespace sparsesim {

/// What of a step an op does, for whoever puts a whole model's step together.
enum class TrainingPart {
  step,
  forward,   // one product per micro batch
  backward,  // gradients of weights and inputs
  masks,     // after the optimizer: masks and packed copies of sparse weights
};

/// One linear layer, outputs [m, n] = activations [m, k] times weights [k, n], for one step of the optimizer.
struct TrainingSize {
  SpmmSize product;          // of the forward product of one micro batch; pattern dense: no zeros
  bool bias = false;         // whose gradient sums those of the outputs over m
  bool transposable = true;  // 2:4: masks that are 2:4 in both directions, so that both products skip
  bool second_copy = false;  // other patterns: a packed copy for the product with the transposed weights, else one walk
  bool sampled = false;      // gradients of stored weights alone are computed, else of all
  MaskUpdate update = MaskUpdate::fixed;
  std::int64_t update_every = 100;  // steps, of prune_and_regrow
  Optimizer optimizer = Optimizer::adam;
  bool sparse_state = false;       // master weights and moments of stored weights alone
  int devices = 1;                 // data parallel: each has its own micro batches
  bool sparse_gradients = false;   // what the devices exchange
  std::int64_t micro_batches = 1;  // forward and backward of each, then one exchange and one optimizer pass
  TrainingPart part = TrainingPart::step;
};

class TrainingLinear : public Op {
 public:
  explicit TrainingLinear(TrainingSize size) : size_(std::move(size)) {}
  std::string_view kind() const override { return "training_linear"; }
  std::string_view pattern() const override { return size_.product.pattern; }
  int devices() const override { return size_.devices; }
  const TrainingSize& size() const { return size_; }
  /// Errors: UnsupportedError when the library has no kernel for a product or a pass.
  Program lower(const LowerContext& context) const override;
  /// The same step with dense weights, gradients and state.
  Program lower_dense(const LowerContext& context) const override;
  SparsitySummary sparsity(const LowerContext& context) const override;

 private:
  TrainingSize size_;
};

/// A mixture-of-experts layer for one step: forward, backward with the exchanges of both, optimizer.
class MoeTraining : public Op {
 public:
  /// `part` is step, or backward alone.
  MoeTraining(MoeFfn layer, Optimizer optimizer, std::int64_t micro_batches, TrainingPart part = TrainingPart::step)
      : layer_(std::move(layer)), optimizer_(optimizer), micro_batches_(micro_batches), part_(part) {}
  std::string_view kind() const override { return "moe_training"; }
  std::string_view pattern() const override { return layer_.pattern(); }
  int devices() const override { return layer_.devices(); }
  Program lower(const LowerContext& context) const override;
  Program lower_dense(const LowerContext& context) const override;
  SparsitySummary sparsity(const LowerContext& context) const override { return layer_.sparsity(context); }

 private:
  Program step(const Program& forward, const LowerContext& context) const;
  MoeFfn layer_;
  Optimizer optimizer_;
  std::int64_t micro_batches_;
  TrainingPart part_;
};

/// The backward pass that belongs to a forward one: the exchanges again, and each product twice, for the gradients of
/// its inputs and of its weights. Kernels that route (moe_router, moe_align) are not run again.
Program backward_of(const Program& forward);

/// Keys: docs/models/training.md.
std::unique_ptr<Op> read_training_linear(config::MapReader& map);
/// Keys: those of moe_ffn, optimizer, micro_batches.
std::unique_ptr<Op> read_moe_training(config::MapReader& map);
/// Errors: UnsupportedError: no measured rows have these ops.
std::unique_ptr<Op> training_from_row(const MeasuredOp& row);

}  // namespace sparsesim
