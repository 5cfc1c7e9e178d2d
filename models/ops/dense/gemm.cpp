#include "models/ops/dense/gemm.h"

#include <array>
#include <charconv>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#include "models/compute/player.h"
#include "models/ops/chain.h"
#include "models/ops/cores/core_gemm.h"
#include "models/ops/limits.h"

namespace sparsesim {
namespace {

/// What a library takes; a compiler for one shape takes the plan that ends first, and looks no further than where
/// estimates exceed the best time.
const GemmPlan& chosen(const std::vector<GemmPlan>& plans, const GemmSize& size, const Substrate& substrate) {
  const GemmPlan* best = &plans.front();
  if (best->constants.compiled <= 0) return *best;
  double least = std::numeric_limits<double>::infinity();
  for (const GemmPlan& plan : plans) {
    if (plan.estimated_seconds >= least) break;
    const double seconds = play(build_gemm(size, plan, substrate, {}), substrate, {}).time.seconds();
    if (seconds >= least) continue;
    least = seconds;
    best = &plan;
  }
  return *best;
}

/// Of the loop that timed a row; frameworks' layers were timed over kLayersTimed of them (docs/measurements.md).
int layers_in_turn(const MeasuredOp& row) {
  static constexpr int kLayersTimed = 6, kMost = 1 << 20;
  const auto found = row.params.find("layers_in_turn");
  const bool layer = of_framework(row) || row.kernel.starts_with("library:torch.nn");
  if (found == row.params.end()) return layer ? kLayersTimed : 0;
  const std::string& text = found->second;
  int layers = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), layers);
  if (error != std::errc() || end != text.data() + text.size() || layers < 0 || layers > kMost)
    throw UnsupportedError("layers_in_turn is a whole number, 0 (cold) to 1048576; the row says " + text);
  return layers;
}

}  // namespace

Launch lower_gemm(std::int64_t m, std::int64_t n, std::int64_t k, const std::string& dtype, const Substrate& substrate,
                  const Ideal& ideal) {
  return lower_gemm({.m = m, .n = n, .k = k, .dtype = dtype}, substrate, ideal);
}

Launch lower_gemm(const GemmSize& size, const Substrate& substrate, const Ideal& ideal) {
  if (on_cores(substrate)) return lower_cores_gemm(size, substrate, ideal);
  const std::vector<GemmPlan> plans = plan_gemm(size, substrate, ideal);
  return build_gemm(size, chosen(plans, size, substrate), substrate, ideal);
}

Program Gemm::lower(const LowerContext& context) const {
  Program program;
  const GemmSize size = with_scaled_weights(size_, weights_, context.substrate);
  if (size.dtype != size_.dtype)
    append(program, lower_quantisation(size_.m * size_.k, size_.dtype, weights_, context.substrate));
  append(program, lower_gemm(size, context.substrate, context.ideal));
  return program;
}

double Gemm::held_bytes(bool) const {
  const double m = static_cast<double>(size_.m), n = static_cast<double>(size_.n), k = static_cast<double>(size_.k);
  const double bytes = element_bytes(size_.dtype);
  return (m * k + m * n) * bytes + n * k * (weights_.any() ? weights_.bytes_per_weight() : bytes);
}

std::unique_ptr<Op> read_gemm(config::MapReader& map) {
  static constexpr std::array<std::string_view, 7> kTypes = {"fp32", "tf32", "fp16", "bf16", "fp8", "int8", "int4"};
  static constexpr std::array<std::string_view, 2> kSums = {"fp32", "fp16"};
  GemmSize size;
  size.m = map.integer("m", 1, kExtentMost);
  size.n = map.integer("n", 1, kExtentMost);
  size.k = map.integer("k", 1, kExtentMost);
  size.dtype = map.choice("dtype", kTypes, "bf16");
  size.accumulate = map.choice("accumulate", kSums, "fp32");
  ScaledWeights weights = read_scaled_weights(map, size.dtype);
  return std::make_unique<Gemm>(std::move(size), std::move(weights));
}

std::unique_ptr<Op> gemm_from_row(const MeasuredOp& row) {
  if (row.m < 1 || row.n < 1 || row.k < 1) throw UnsupportedError("a gemm row needs m, n and k");
  if (row.pattern != "dense") throw UnsupportedError("gemm is dense; the row says pattern " + row.pattern);
  for (const std::int64_t side : {row.m, row.n, row.k})
    require_at_most(static_cast<double>(side), 0x1p31, "elements along one side");
  const auto found = row.params.find("accumulate");
  LayerTypes types = row_types(row);
  GemmSize size{.m = row.m, .n = row.n, .k = row.k, .dtype = types.activations};
  if (found != row.params.end()) size.accumulate = found->second;
  size.layers_in_turn = layers_in_turn(row);
  size.library = row.kernel.substr(row.kernel.find(':') + 1);
  if (size.accumulate != "fp32" && size.accumulate != "fp16")
    throw UnsupportedError("accumulate is fp32 or fp16; the row says " + size.accumulate);
  return std::make_unique<Gemm>(std::move(size), std::move(types.weights));
}

}  // namespace sparsesim
