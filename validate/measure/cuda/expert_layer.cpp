#include "validate/measure/cuda/expert_layer.h"

#include <algorithm>
#include <cmath>

#include "validate/measure/cuda/host_device.h"
#include "validate/measure/cuda/matmul.h"
#include "validate/measure/cuda/operand_kernels.h"
#include "validate/measure/cuda/worst.h"

namespace sparsesim::measure {
namespace {

constexpr std::int32_t kReferenceTokens = 8;
constexpr float kWeightScale = 1.f / 16;  // keeps results of two layers inside fp16

const char* way_name(GroupedWay way) {
  return way == GroupedWay::grouped ? "library:cublas_grouped" : "library:per_expert";
}

double root_mean_square(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

class Layer {
 public:
  Layer(const Device& device, const ExpertLayer& layer, const std::vector<std::int64_t>& counts,
        const std::vector<std::int32_t>& chosen, GroupedWay way, std::uint64_t seed)
      : device_(device),
        layer_(layer),
        up_(device, counts, layer.up_width(), layer.hidden, product_type(layer.type == Type::fp16 ? "fp16" : "bf16"),
            way),
        down_(device, counts, layer.hidden, layer.intermediate,
              product_type(layer.type == Type::fp16 ? "fp16" : "bf16"), way),
        operands_(device, sizes()) {
    fill(chosen, seed);
    for (int copy = 0; copy < operands_.copies(); ++copy) {
      const ExpertArrays a = arrays(copy);
      up_.add(a.gathered, operands_.at(copy, kUp), a.inner);
      down_.add(a.activated, operands_.at(copy, kDown), a.down);
    }
  }

  int copies() const { return operands_.copies(); }
  void enqueue(int copy) const {
    const ExpertArrays a = arrays(copy);
    check(route_tokens(layer_, a, device_.stream));
    check(sort_slots(layer_, a, device_.stream));
    check(gather_tokens(layer_, a, device_.stream));
    up_.enqueue(copy);
    check(
        activate(a.inner, a.activated, layer_.slots(), layer_.intermediate, layer_.gated, layer_.type, device_.stream));
    down_.enqueue(copy);
    check(combine_slots(layer_, a, device_.stream));
  }
  void reset() const { check(cudaMemsetAsync(operands_.at(0, kOut), 0xff, operands_.bytes(kOut), device_.stream)); }
  double error() const;

 private:
  enum Operand : std::size_t {
    kX,
    kLogits,
    kUp,
    kDown,
    kChosen,
    kShare,
    kSlotOf,
    kTokenOf,
    kGathered,
    kInner,
    kActivated,
    kDownOut,
    kOut
  };
  std::vector<std::size_t> sizes() const {
    const auto s = [](std::int64_t elements, std::size_t bytes) { return static_cast<std::size_t>(elements) * bytes; };
    const std::int64_t tokens = layer_.tokens, hidden = layer_.hidden, slots = layer_.slots(), wide = layer_.up_width();
    const std::int64_t experts = layer_.experts, inner = layer_.intermediate;
    return {s(tokens * hidden, 2),
            s(tokens * experts, 4),
            s(experts * wide * hidden, 2),
            s(experts * hidden * inner, 2),
            s(slots, 4),
            s(slots, 4),
            s(slots, 4),
            s(slots, 4),
            s(slots * hidden, 2),
            s(slots * wide, 2),
            s(slots * inner, 2),
            s(slots * hidden, 2),
            s(tokens * hidden, 2)};
  }
  ExpertArrays arrays(int copy) const {
    const auto at = [&](Operand operand) { return operands_.at(copy, operand); };
    return {.x = at(kX),
            .logits = static_cast<const float*>(at(kLogits)),
            .chosen = static_cast<std::int32_t*>(at(kChosen)),
            .share = static_cast<float*>(at(kShare)),
            .slot_of = static_cast<std::int32_t*>(at(kSlotOf)),
            .token_of = static_cast<std::int32_t*>(at(kTokenOf)),
            .gathered = at(kGathered),
            .inner = at(kInner),
            .activated = at(kActivated),
            .down = at(kDownOut),
            .out = at(kOut)};
  }
  void fill(const std::vector<std::int32_t>& chosen, std::uint64_t seed) const;

  const Device& device_;
  ExpertLayer layer_;
  GroupedMatmul up_, down_;
  Operands operands_;
};

void Layer::fill(const std::vector<std::int32_t>& chosen, std::uint64_t seed) const {
  const std::int64_t hidden = layer_.hidden, experts = layer_.experts;
  const Type type = layer_.type;
  const auto logits = logits_for(chosen, layer_, seed + 4);
  copy_to_device(operands_.at(0, kLogits), logits.data(), logits.size() * sizeof(float));
  check(fill_random(operands_.at(0, kX), type, layer_.tokens * hidden, seed + 1, device_.stream));
  check(fill_random(operands_.at(0, kUp), type, experts * layer_.up_width() * hidden, seed + 2, device_.stream,
                    kWeightScale));
  check(fill_random(operands_.at(0, kDown), type, experts * hidden * layer_.intermediate, seed + 3, device_.stream,
                    kWeightScale));
  operands_.spread(device_.stream);
}

// Every intermediate result is rounded once, so an output is off by some roundings of the typical output's size.
double Layer::error() const {
  const std::int32_t tokens = std::min(layer_.tokens, kReferenceTokens);
  const std::int64_t outputs = std::int64_t{tokens} * layer_.hidden;
  const ExpertArrays a = arrays(0);
  const DeviceMemory inner(static_cast<std::size_t>(std::int64_t{tokens} * layer_.top_k * layer_.intermediate) * 4);
  const DeviceMemory wanted(static_cast<std::size_t>(outputs) * 4);
  check(reference_layer({.layer = layer_,
                         .x = a.x,
                         .up = operands_.at(0, kUp),
                         .down = operands_.at(0, kDown),
                         .chosen = a.chosen,
                         .logits = a.logits,
                         .inner = inner.as<float>(),
                         .wanted = wanted.as<float>(),
                         .tokens = tokens},
                        device_.stream));
  device_.synchronize();
  const double rounding = layer_.type == Type::fp16 ? 0x1p-10 : 0x1p-7;
  const double typical = root_mean_square(to_host<float>(wanted.data(), static_cast<std::size_t>(outputs)));
  const Worst worst(device_);
  check(compare_finite(a.out, layer_.type, std::int64_t{layer_.tokens} * layer_.hidden, worst.device_value(),
                       device_.stream));
  check(compare_values(a.out, layer_.type, wanted.as<float>(), outputs, 2 * rounding, 8 * rounding * typical,
                       worst.device_value(), device_.stream));
  return worst.value();
}

/// The dense twin.
class DenseLayer {
 public:
  DenseLayer(const Device& device, const ExpertLayer& layer, std::uint64_t seed)
      : device_(device),
        layer_(layer),
        type_(product_type(layer.type == Type::fp16 ? "fp16" : "bf16")),
        width_(std::int64_t{layer.experts} * layer.intermediate),
        up_(device, {layer.tokens, width_ * (layer.gated ? 2 : 1), layer.hidden}, type_),
        down_(device, {layer.tokens, layer.hidden, width_}, type_),
        operands_(device, sizes()) {
    check(fill_random(operands_.at(0, 0), layer.type, std::int64_t{layer.tokens} * layer.hidden, seed + 1,
                      device.stream));
    check(
        fill_random(operands_.at(0, 1), layer.type, up_width() * layer.hidden, seed + 2, device.stream, kWeightScale));
    check(fill_random(operands_.at(0, 2), layer.type, width_ * layer.hidden, seed + 3, device.stream, kWeightScale));
    operands_.spread(device.stream);
    std::vector<ProductOperands> ups, downs;
    for (int copy = 0; copy < copies(); ++copy) {
      ups.push_back(up_of(copy));
      downs.push_back(down_of(copy));
    }
    up_.choose(ups);
    down_.choose(downs);
  }

  int copies() const { return operands_.copies(); }
  void enqueue(int copy) const {
    const auto at = [&](std::size_t operand) { return operands_.at(copy, operand); };
    up_.enqueue(up_of(copy));
    check(activate(at(3), at(4), layer_.tokens, width_, layer_.gated, layer_.type, device_.stream));
    down_.enqueue(down_of(copy));
  }
  void reset() const { check(cudaMemsetAsync(operands_.at(0, 5), 0xff, operands_.bytes(5), device_.stream)); }
  double error() const;

 private:
  ProductOperands up_of(int copy) const {
    return {operands_.at(copy, 0), operands_.at(copy, 1), operands_.at(copy, 3)};
  }
  ProductOperands down_of(int copy) const {
    return {operands_.at(copy, 4), operands_.at(copy, 2), operands_.at(copy, 5)};
  }
  std::int64_t up_width() const { return width_ * (layer_.gated ? 2 : 1); }
  std::vector<std::size_t> sizes() const {  // x, up, down, inner, activated, out
    const std::int64_t tokens = layer_.tokens, hidden = layer_.hidden;
    const auto s = [](std::int64_t elements) { return static_cast<std::size_t>(elements) * 2; };
    return {s(tokens * hidden),     s(up_width() * hidden), s(width_ * hidden),
            s(tokens * up_width()), s(tokens * width_),     s(tokens * hidden)};
  }

  const Device& device_;
  ExpertLayer layer_;
  ProductType type_;
  std::int64_t width_;
  Matmul up_, down_;
  Operands operands_;
};

// Each product against its own operands; the activation is checked with the expert layer.
double DenseLayer::error() const {
  const Worst worst(device_);
  ProductSample sample{.m = layer_.tokens,
                       .n = up_width(),
                       .k = layer_.hidden,
                       .x = {operands_.at(0, 0), type_.in, layer_.hidden, 1},
                       .w = {operands_.at(0, 1), type_.in, layer_.hidden, 1},
                       .out = {operands_.at(0, 3), type_.out, up_width(), 1},
                       .rounding = type_.rounding,
                       .accumulation = type_.accumulation,
                       .samples = 4096};
  check(compare_product(sample, worst.device_value(), device_.stream));
  sample.n = layer_.hidden;
  sample.k = width_;
  sample.x = {operands_.at(0, 4), type_.in, width_, 1};
  sample.w = {operands_.at(0, 2), type_.in, width_, 1};
  sample.out = {operands_.at(0, 5), type_.out, layer_.hidden, 1};
  check(compare_product(sample, worst.device_value(), device_.stream));
  return worst.value();
}

}  // namespace

std::vector<float> logits_for(const std::vector<std::int32_t>& chosen, const ExpertLayer& layer, std::uint64_t seed) {
  std::vector<float> logits(static_cast<std::size_t>(layer.tokens) * static_cast<std::size_t>(layer.experts));
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = random_unit(seed, i);
  for (std::size_t slot = 0; slot < chosen.size(); ++slot) {
    const std::size_t token = slot / static_cast<std::size_t>(layer.top_k);
    logits[token * static_cast<std::size_t>(layer.experts) + static_cast<std::size_t>(chosen[slot])] += 2;
  }
  return logits;
}

std::unique_ptr<Runner> make_expert_layer_runner(const Device& device, const ExpertLayer& layer,
                                                 std::vector<std::int64_t> counts, std::vector<std::int32_t> chosen,
                                                 GroupedWay way, std::uint64_t seed) {
  return make_runner(device, way_name(way), std::make_shared<Layer>(device, layer, counts, chosen, way, seed));
}

std::unique_ptr<Runner> make_dense_layer_runner(const Device& device, const ExpertLayer& layer, std::uint64_t seed) {
  return make_runner(device, "library:cublaslt", std::make_shared<DenseLayer>(device, layer, seed));
}

}  // namespace sparsesim::measure
