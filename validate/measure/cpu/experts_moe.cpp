// Expert layers as a problem: copies of weights that take turns, both ways to run them.

#include <algorithm>
#include <limits>
#include <utility>

#include "validate/measure/cpu/experts_layer.h"
#include "validate/measure/cpu/library_runners.h"
#include "validate/measure/cpu/rotation.h"
#include "validate/measure/cpu/row_sizes.h"
#include "validate/measure/cpu/timed_runner.h"

namespace sparsesim::measure {
namespace {

LayerSizes read_layer_sizes(const PlanRow& row) {
  LayerSizes sizes;
  sizes.tokens = checked_size("m", row.m, kExpertSizeMost);
  sizes.hidden = checked_size("k", row.k, kExpertSizeMost);
  sizes.intermediate = checked_size("n", row.n, kExpertSizeMost);
  sizes.experts = size_param(row, "experts", kExpertsMost);
  sizes.top_k = size_param(row, "top_k", sizes.experts);
  sizes.gated = flag_param(row, "gated", true);
  sizes.routing = row.text("routing", "balanced");
  return sizes;
}

double weight_bytes(const LayerSizes& sizes) {
  return 4.0 * static_cast<double>(sizes.experts) * static_cast<double>(sizes.expert_elements());
}

/// Bytes of weights that a call reads.
std::size_t read_bytes(const LayerSizes& sizes, bool every_expert, std::uint64_t seed) {
  std::int64_t used = sizes.experts;
  if (!every_expert) {
    const auto counts = draw_counts(sizes.routing, sizes.tokens, sizes.experts, sizes.top_k, seed);
    used = std::count_if(counts.begin(), counts.end(), [](std::int64_t count) { return count > 0; });
  }
  return static_cast<std::size_t>(used * sizes.expert_elements()) * sizeof(float);
}

void check_layer_row(const PlanRow& row, const CpuContext& context) {
  if (row.dtype != "fp32") throw NotHere("expert layers are measured in fp32");
  if (!row.pattern.empty() && row.pattern != "experts") throw NotHere("an expert layer has no pattern " + row.pattern);
  const LayerSizes sizes = read_layer_sizes(row);
  // The weights as drawn, and for two libraries copies by expert and side by side; what lies between the products.
  const auto copies = rotation_copies(read_bytes(sizes, false, 1), context);
  const auto wide_copies = rotation_copies(read_bytes(sizes, true, 1), context);
  const double between = 8.0 * static_cast<double>(sizes.tokens * sizes.experts) *
                         static_cast<double>(sizes.up_width() + sizes.intermediate);
  require_memory((1 + 2 * static_cast<double>(copies + wide_copies)) * weight_bytes(sizes) + between);
}

std::string layer_key(const PlanRow& row) {
  const LayerSizes sizes = read_layer_sizes(row);
  std::string key = "moe_ffn/" + sizes.routing;
  for (const std::int64_t size :
       {sizes.tokens, sizes.hidden, sizes.intermediate, sizes.experts, sizes.top_k, std::int64_t{sizes.gated}})
    key += "/" + std::to_string(size);
  return key;
}

struct LayerData {
  LayerSizes sizes;
  CpuContext context;
  std::uint64_t seed;
  LayerOperands operands;
};

/// One copy of what a library reads, and its results.
struct PreparedLayer {
  Buffer<float> tokens, logits;
  Buffer<std::byte> up, down;
  mutable Buffer<float> results;
};

/// Layer is ExpertLayer or WideLayer.
template <class Layer, bool every_expert>
class LayerRunner : public TimedRunner {
 public:
  LayerRunner(const std::string& library, std::shared_ptr<const LayerData> data)
      : TimedRunner("library:" + library + (every_expert ? "" : "_per_expert")),
        data_(std::move(data)),
        layer_(library, data_->sizes, data_->context),
        operands_(prepare(), read_bytes(data_->sizes, every_expert, data_->seed), data_->context) {}
  double error() override {
    const PreparedLayer& operands = operands_.next();
    std::fill(operands.results.begin(), operands.results.end(), std::numeric_limits<float>::quiet_NaN());
    run_layer(operands);
    return layer_error(data_->sizes, data_->operands, operands.results.data(), every_expert, data_->seed);
  }

 private:
  void call() override { run_layer(operands_.next()); }
  void run_layer(const PreparedLayer& o) {
    if constexpr (every_expert)
      layer_.run(o.tokens.data(), o.up.data(), o.down.data(), o.results.data());
    else
      layer_.run(o.tokens.data(), o.logits.data(), o.up.data(), o.down.data(), o.results.data());
  }
  PreparedLayer prepare() {
    const LayerOperands& drawn = data_->operands;
    return {drawn.tokens, drawn.logits, layer_.prepare_up(drawn.up), layer_.prepare_down(drawn.down),
            Buffer<float>(drawn.tokens.size())};
  }
  std::shared_ptr<const LayerData> data_;
  Layer layer_;
  Rotation<PreparedLayer> operands_;
};

class LayerProblem : public Problem {
 public:
  LayerProblem(const PlanRow& row, const CpuContext& context, std::uint64_t seed) {
    const LayerSizes sizes = read_layer_sizes(row);
    data_ = std::make_shared<const LayerData>(LayerData{sizes, context, seed, draw_layer(sizes, seed)});
  }
  std::vector<std::unique_ptr<Runner>> runners(const PlanRow&) override {
    return library_runners<LayerRunner<ExpertLayer, false>>(data_);
  }
  std::vector<std::unique_ptr<Runner>> baselines() override {
    return library_runners<LayerRunner<WideLayer, true>>(data_);
  }

 private:
  std::shared_ptr<const LayerData> data_;
};

}  // namespace

ProblemFamily moe_ffn_family() { return {"moe_ffn", check_layer_row, layer_key, make_problem<LayerProblem>}; }

}  // namespace sparsesim::measure
