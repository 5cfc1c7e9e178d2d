// A training step of an expert layer: its forward program, run backwards.

#include <algorithm>
#include <string_view>

#include "models/ops/limits.h"
#include "models/ops/training/training.h"

namespace sparsesim {
namespace {

bool routes(std::string_view kernel) { return kernel == "moe_router" || kernel == "moe_align"; }
/// Moves and adds rows, and does so once in either direction.
bool sums(std::string_view kernel) { return kernel == "moe_sum"; }

/// Appends a program; every stage waits for what it waited for before, at its new place. Stages of a device run in
/// order anyhow.
void append(Program& whole, const Program& part) {
  const auto shift = static_cast<int>(whole.stages.size());
  require_at_most(static_cast<double>(whole.stages.size() + part.stages.size()), kStagesMost,
                  "kernels of a training step");
  for (Stage stage : part.stages) {
    for (int& index : stage.after) index += shift;
    whole.stages.push_back(std::move(stage));
  }
}

/// Appends a pass that follows another: its first exchanges wait until every device has ended the one before, the first
/// kernel of each device for its last exchange.
void append_pass(Program& whole, Program part) {
  std::vector<int> ends(static_cast<std::size_t>(whole.devices), -1);
  int exchange = -1;
  for (std::size_t i = 0; i < whole.stages.size(); ++i) {
    const Stage& stage = whole.stages[i];
    (stage.launch ? ends[static_cast<std::size_t>(stage.device)] : exchange) = static_cast<int>(i);
  }
  std::erase(ends, -1);
  const auto shift = static_cast<int>(whole.stages.size());
  std::vector<bool> started(static_cast<std::size_t>(whole.devices));
  for (Stage& stage : part.stages) {
    if (!stage.launch && stage.after.empty())
      for (const int end : ends) stage.after.push_back(end - shift);
    if (!stage.launch || started[static_cast<std::size_t>(stage.device)]) continue;
    started[static_cast<std::size_t>(stage.device)] = true;
    if (exchange >= 0) stage.after.push_back(exchange - shift);
  }
  append(whole, part);
}

}  // namespace

Program backward_of(const Program& forward) {
  Program backward;
  backward.devices = forward.devices;
  std::vector<int> last(forward.stages.size(), -1);  // of the stages that came of each one
  for (std::size_t i = 0; i < forward.stages.size(); ++i) {
    Stage stage = forward.stages[i];
    std::vector<int> after;
    for (const int index : stage.after)
      if (last[static_cast<std::size_t>(index)] >= 0) after.push_back(last[static_cast<std::size_t>(index)]);
    stage.after = std::move(after);
    int times = 1;
    if (stage.launch) times = routes(stage.launch->name) ? 0 : sums(stage.launch->name) ? 1 : 2;
    if (times == 0) {
      // What waited for the routing waits for what the routing waited for.
      last[i] = stage.after.empty() ? -1 : stage.after.back();
      continue;
    }
    for (int time = 0; time < times; ++time) backward.stages.push_back(stage);
    last[i] = static_cast<int>(backward.stages.size()) - 1;
  }
  return backward;
}

Program MoeTraining::step(const Program& forward, const LowerContext& context) const {
  const Program backward = backward_of(forward);
  Program whole;
  whole.devices = forward.devices;
  for (std::int64_t batch = 0; batch < micro_batches_; ++batch) {
    if (part_ == TrainingPart::step) append_pass(whole, forward);
    append_pass(whole, backward);
  }
  if (optimizer_ == Optimizer::none) return whole;
  const MoeSpec& spec = layer_.spec();
  const double projections = spec.gated ? 3 : 2;
  const double experts = std::ceil(static_cast<double>(spec.experts) / spec.devices);
  const double weights = projections * static_cast<double>(spec.hidden) * static_cast<double>(spec.intermediate) *
                         (experts + static_cast<double>(spec.shared_experts));
  const auto pass = std::make_shared<const Launch>(
      lower_optimizer({.kind = optimizer_, .weights = weights, .dtype = spec.dtype}, context.substrate));
  for (int device = 0; device < whole.devices; ++device) {
    Stage stage;
    stage.device = device;
    stage.launch = pass;
    whole.stages.push_back(std::move(stage));
  }
  return whole;
}

Program MoeTraining::lower(const LowerContext& context) const { return step(layer_.lower(context), context); }

Program MoeTraining::lower_dense(const LowerContext& context) const {
  return step(layer_.lower_dense(context), context);
}

}  // namespace sparsesim
