#include "models/ops/training/training.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/ops/attention/index_passes.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm.h"
#include "models/ops/limits.h"
#include "models/ops/training/sddmm.h"

namespace sparsesim {
namespace {

/// Stages of one device, copied to all; exchanges among them in between.
class StepProgram {
 public:
  explicit StepProgram(int devices) { program_.devices = devices; }

  std::shared_ptr<const Launch> share(Launch launch, const char* name) {
    launch.name = name;
    return std::make_shared<const Launch>(std::move(launch));
  }
  /// On every device; `after` is a stage to wait for besides the device's own earlier ones, or -1.
  void add(const std::shared_ptr<const Launch>& launch, int after = -1) {
    require_at_most(static_cast<double>(program_.stages.size() + static_cast<std::size_t>(program_.devices)),
                    kStagesMost, "kernels of a training step");
    for (int device = 0; device < program_.devices; ++device) {
      Stage stage;
      stage.device = device;
      stage.launch = launch;
      if (after >= 0) stage.after = {after};
      program_.stages.push_back(std::move(stage));
    }
  }
  /// Sum over all devices once each has come so far; the number of its stage, or -1 on one device.
  int all_reduce(const char* name, double bytes) {
    if (program_.devices == 1) return -1;
    Stage stage;
    stage.type = Stage::Type::exchange;
    stage.exchange.name = name;
    stage.exchange.algorithm = "all_reduce";
    stage.exchange.devices = program_.devices;
    stage.exchange.bytes_per_rank = bytes;
    const int last = static_cast<int>(program_.stages.size());
    for (int i = last - program_.devices; i < last; ++i) stage.after.push_back(i);
    program_.stages.push_back(std::move(stage));
    return last;
  }
  Program take() { return std::move(program_); }

 private:
  Program program_;
};

double weights_of(const SpmmSize& product) { return static_cast<double>(product.n) * static_cast<double>(product.k); }

/// What flows where in one step; the products of a micro batch, and the passes after the last one.
struct StepParts {
  std::vector<std::shared_ptr<const Launch>> forward, weight_gradient, input_gradient;  // of a micro batch
  std::vector<std::shared_ptr<const Launch>> before_exchange, update;
  double exchanged_bytes = 0;
};

/// Leaves what the part does. Masks follow the optimizer's pass, which is no part of them.
void keep_part(const TrainingSize& size, StepParts& parts) {
  if (size.part == TrainingPart::step) return;
  if (size.part != TrainingPart::forward) parts.forward.clear();
  if (size.part != TrainingPart::backward) {
    parts.weight_gradient.clear();
    parts.input_gradient.clear();
    parts.before_exchange.clear();
  }
  if (size.part != TrainingPart::masks) parts.update.clear();
}

Program assemble(const TrainingSize& size, StepParts parts) {
  keep_part(size, parts);
  StepProgram program(size.devices);
  const auto add_all = [&](const auto& launches) {
    for (const auto& launch : launches) program.add(launch);
  };
  for (std::int64_t batch = 1; batch < size.micro_batches; ++batch) {
    add_all(parts.forward);
    add_all(parts.weight_gradient);
    add_all(parts.input_gradient);
  }
  // The last one: gradients of weights first, so that their exchange hides behind those of the inputs.
  add_all(parts.forward);
  add_all(parts.weight_gradient);
  add_all(parts.before_exchange);
  int exchange = program.all_reduce("gradient_all_reduce", parts.exchanged_bytes);
  add_all(parts.input_gradient);
  for (const auto& launch : parts.update) program.add(launch, std::exchange(exchange, -1));
  return program.take();
}

void add_launch(std::vector<std::shared_ptr<const Launch>>& list, Launch launch, const char* name) {
  launch.name = name;
  list.push_back(std::make_shared<const Launch>(std::move(launch)));
}

void add_sparse_product(std::vector<std::shared_ptr<const Launch>>& list, const SpmmSize& product,
                        const LowerContext& context, const char* name) {
  for (const Stage& stage : Spmm(product).lower(context).stages) add_launch(list, *stage.launch, name);
}

Launch dense_product(std::int64_t m, std::int64_t n, std::int64_t k, const SpmmSize& like,
                     const LowerContext& context) {
  return lower_gemm({.m = m, .n = n, .k = k, .dtype = like.dtype, .accumulate = like.accumulate}, context.substrate,
                    context.ideal);
}

/// Packed copies of the weights: one for each direction, or one that both walk.
int copies_of(const TrainingSize& size) {
  return (size.product.pattern == "2:4" ? size.transposable : size.second_copy) ? 2 : 1;
}

/// Gradients of the outputs times the weights, transposed: by a packed copy for this direction, or by walking the one
/// of the forward product the other way round. 2:4 weights cannot be walked so.
SpmmSize transposed_product(const TrainingSize& size) {
  SpmmSize back = size.product;
  std::swap(back.n, back.k);
  std::swap(back.block_n, back.block_k);
  back.transposed = copies_of(size) == 1;
  return back;
}

bool skips_backward(const TrainingSize& size) { return size.product.pattern != "2:4" || size.transposable; }

MaskSize mask_size(const TrainingSize& size) {
  return {.weights = weights_of(size.product),
          .density = 1 - size.product.sparsity,
          .unit = static_cast<double>(size.product.block_n * size.product.block_k),
          .copies = copies_of(size),
          .pattern = size.product.pattern,
          .dtype = size.product.dtype};
}

OptimizerSize optimizer_size(const TrainingSize& size) {
  OptimizerSize pass{.kind = size.optimizer, .weights = weights_of(size.product), .dtype = size.product.dtype};
  if (!size.sparse_state) return pass;
  pass.density = 1 - size.product.sparsity;
  pass.unit = static_cast<double>(size.product.block_k);
  pass.packed_gradient = size.sampled || size.sparse_gradients;
  pass.copies = copies_of(size);
  return pass;
}

/// Passes over masks and packed copies, which a step with dense weights does not have.
void add_mask_passes(const TrainingSize& size, const LowerContext& context, StepParts& parts) {
  if (context.ideal.metadata) return;
  const MaskSize mask = mask_size(size);
  if (size.sparse_gradients && !size.sampled) {
    MaskSize gradient = mask;
    gradient.copies = 1;
    add_launch(parts.before_exchange, lower_weight_pack(gradient, context.substrate), "gradient_pack");
  }
  if (size.update == MaskUpdate::prune_and_regrow)
    add_launch(parts.update, lower_prune_and_regrow(mask, size.update_every, context.substrate), "mask_update");
  // Densely kept weights changed: the products need new packed ones.
  if (!size.sparse_state) add_launch(parts.update, lower_weight_pack(mask, context.substrate), "weight_pack");
}

/// Gradients of the bias: those of the outputs are read once, and added up over m.
void add_bias_gradient(const TrainingSize& size, const LowerContext& context, StepParts& parts) {
  if (!size.bias) return;
  const SpmmSize& p = size.product;
  add_launch(parts.weight_gradient,
             lower_elementwise({.elements = pass_elements(static_cast<double>(p.m) * static_cast<double>(p.n)),
                                .dtype = p.dtype,
                                .reads = 1,
                                .writes = 1 / static_cast<double>(p.m)},
                               context.substrate),
             "bias_gradient");
}

StepParts dense_parts(const TrainingSize& size, const LowerContext& context) {
  const SpmmSize& p = size.product;
  StepParts parts;
  add_launch(parts.forward, dense_product(p.m, p.n, p.k, p, context), "forward");
  add_bias_gradient(size, context, parts);
  add_launch(parts.weight_gradient, dense_product(p.n, p.k, p.m, p, context), "weight_gradient");
  add_launch(parts.input_gradient, dense_product(p.m, p.k, p.n, p, context), "input_gradient");
  parts.exchanged_bytes = weights_of(p) * element_bytes(p.dtype);
  if (size.optimizer != Optimizer::none)
    add_launch(parts.update,
               lower_optimizer({.kind = size.optimizer, .weights = weights_of(p), .dtype = p.dtype}, context.substrate),
               "optimizer");
  return parts;
}

/// Gradients of all weights, or of the stored ones. Weights return by their gradients, so those of all are computed in
/// the steps that regrow; each step carries its share of their rows.
void add_weight_gradient(const TrainingSize& size, const LowerContext& context, StepParts& parts) {
  const SpmmSize& p = size.product;
  if (!size.sampled) {
    add_launch(parts.weight_gradient, dense_product(p.n, p.k, p.m, p, context), "weight_gradient");
    return;
  }
  for (Launch& launch : lower_sddmm(p, context))
    add_launch(parts.weight_gradient, std::move(launch), "weight_gradient");
  if (size.update != MaskUpdate::prune_and_regrow) return;
  const std::int64_t rows = (p.n + size.update_every - 1) / size.update_every;
  add_launch(parts.before_exchange, dense_product(rows, p.k, p.m, p, context), "regrow_gradient");
}

StepParts sparse_parts(const TrainingSize& size, const LowerContext& context) {
  const SpmmSize& p = size.product;
  StepParts parts;
  add_sparse_product(parts.forward, p, context, "forward");
  add_bias_gradient(size, context, parts);
  add_weight_gradient(size, context, parts);
  if (skips_backward(size))
    add_sparse_product(parts.input_gradient, transposed_product(size), context, "input_gradient");
  else
    add_launch(parts.input_gradient, dense_product(p.m, p.k, p.n, p, context), "input_gradient");
  parts.exchanged_bytes = weights_of(p) * element_bytes(p.dtype) * (size.sparse_gradients ? 1 - p.sparsity : 1);
  if (size.optimizer != Optimizer::none)
    add_launch(parts.update, lower_optimizer(optimizer_size(size), context.substrate), "optimizer");
  add_mask_passes(size, context, parts);
  return parts;
}

}  // namespace

Program TrainingLinear::lower(const LowerContext& context) const {
  if (size_.product.pattern == "dense") return lower_dense(context);
  return assemble(size_, sparse_parts(size_, context));
}

Program TrainingLinear::lower_dense(const LowerContext& context) const {
  return assemble(size_, dense_parts(size_, context));
}

SparsitySummary TrainingLinear::sparsity(const LowerContext& context) const {
  const double zeros = size_.product.sparsity;
  if (size_.product.pattern == "dense" || zeros <= 0) return {};
  if (size_.part == TrainingPart::masks) return {};
  // Products of equal work: forward, gradients of inputs, gradients of weights (all of them are wanted unless sampled).
  const SparsitySummary product = Spmm(size_.product).sparsity(context);
  const double forward = size_.part == TrainingPart::backward ? 0 : 1;
  const double inputs = size_.part == TrainingPart::forward ? 0 : 1;
  const double backward = skips_backward(size_) ? inputs : 0, sampled = size_.sampled ? inputs : 0;
  const double products = forward + 2 * inputs, saved = forward + inputs + sampled;
  SparsitySummary summary;
  summary.declared = zeros * saved / products;
  summary.aligned_cache = (product.aligned_cache * (forward + backward) + sampled) / saved;
  summary.aligned_dispatch = (product.aligned_dispatch * (forward + backward) + sampled) / saved;
  summary.aligned_transfer = size_.devices > 1 && !size_.sparse_gradients ? 0 : 1;
  return summary;
}

}  // namespace sparsesim
