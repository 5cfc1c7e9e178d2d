// The dense twins of expert layers, and what their sparsity is worth where.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/ops/cores/core.h"
#include "models/ops/cores/core_experts.h"
#include "models/ops/dense/gemm.h"
#include "models/ops/experts/moe.h"
#include "models/ops/experts/moe_kernels.h"
#include "models/ops/limits.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

// A slice of a dense product has so many results at most: enough tiles for many waves.
constexpr double kSliceResults = 6e7;

/// Share of the rows that a dense layer multiplies which tiles of single experts do not. A batch smaller than a tile
/// fills one in the dense layer too.
double rows_skipped(double tokens, double experts, double blocks, const MoeTile& tile) {
  const double dense = std::max<double>(tokens, tile.m) * experts;
  return std::clamp((dense - blocks * tile.m) / dense, 0.0, 1.0);
}

}  // namespace

int append_dense_product(Program& program, const LowerContext& context, const GroupedSize& size, std::int64_t m,
                         int device) {
  const double results = static_cast<double>(m) * static_cast<double>(size.n);
  const auto slices = std::clamp<std::int64_t>(std::llround(results / kSliceResults), 1, ceil_div(size.n, 256));
  require_at_most(static_cast<double>(slices) * program.devices, kStagesMost, "slices of a dense product");
  const GemmSize slice = {.m = m, .n = ceil_div(size.n, slices), .k = size.k, .dtype = size.dtype};
  Launch launch =
      lower_gemm(with_scaled_weights(slice, size.weights, context.substrate), context.substrate, context.ideal);
  // One call in truth: the slices share its fixed cost.
  launch.fixed_seconds /= static_cast<double>(slices);
  const auto shared = std::make_shared<const Launch>(std::move(launch));
  for (std::int64_t i = 0; i < slices; ++i) {
    Stage stage;
    stage.device = device;
    stage.launch = shared;
    program.stages.push_back(std::move(stage));
  }
  return static_cast<int>(program.stages.size()) - 1;
}

Program MoeFfn::lower_dense(const LowerContext& context) const {
  Program program;
  program.devices = spec_.devices;
  const std::int64_t width =
      ceil_div((spec_.experts + spec_.pruned_experts + spec_.shared_experts) * spec_.intermediate, spec_.devices);
  GroupedSize up, down;
  up.n = width * (spec_.gated ? 2 : 1);
  up.k = down.n = spec_.hidden;
  down.k = width;
  up.dtype = down.dtype = spec_.dtype;
  up.weights = down.weights = spec_.weights;
  const double inner = static_cast<double>(spec_.tokens) * static_cast<double>(width) * element_bytes(spec_.dtype);
  const auto activation = std::make_shared<const Launch>(
      on_cores(context.substrate) ? lower_cores_activation(spec_, inner / element_bytes(spec_.dtype), context.substrate)
                                  : lower_stream("moe_activation", inner * (spec_.gated ? 2 : 1), inner,
                                                 inner / element_bytes(spec_.dtype), context.substrate));
  Program one;
  one.devices = spec_.devices;
  const auto quantise = [&](std::int64_t elements) {
    if (spec_.weights.any() && multiplies(context.substrate, spec_.weights))
      one.stages.emplace_back().launch =
          std::make_shared<const Launch>(lower_quantisation(elements, spec_.dtype, spec_.weights, context.substrate));
  };
  quantise(spec_.tokens * spec_.hidden);
  append_dense_product(one, context, up, spec_.tokens, 0);
  one.stages.emplace_back().launch = activation;
  quantise(spec_.tokens * width);
  append_dense_product(one, context, down, spec_.tokens, 0);
  Stage reduce;
  for (int device = 0; device < spec_.devices; ++device) {
    for (Stage stage : one.stages) {
      stage.device = device;
      program.stages.push_back(std::move(stage));
    }
    reduce.after.push_back(static_cast<int>(program.stages.size()) - 1);
  }
  if (spec_.devices == 1) return program;
  reduce.type = Stage::Type::exchange;
  reduce.exchange.name = "dense_all_reduce";
  reduce.exchange.algorithm = "all_reduce";
  reduce.exchange.devices = spec_.devices;
  reduce.exchange.bytes_per_rank = static_cast<double>(spec_.tokens * spec_.hidden) * element_bytes(spec_.dtype);
  program.stages.push_back(std::move(reduce));
  return program;
}

std::vector<SparsityFact> MoeFfn::facts(const Capacity& capacity) const {
  const auto slots = static_cast<double>(spec_.tokens * spec_.top_k);
  std::vector<double> rows(static_cast<std::size_t>(spec_.devices));
  for (const ExpertCopy& copy : copies(capacity.counts))
    rows[static_cast<std::size_t>(copy.device)] += static_cast<double>(copy.rows);
  const double all = std::accumulate(rows.begin(), rows.end(), 0.0);
  const double even = all / static_cast<double>(spec_.devices);
  std::vector<SparsityFact> facts = {{"distinct_experts", static_cast<double>(distinct_experts(capacity.counts))}};
  if (spec_.devices > 1 && even > 0)
    facts.push_back({"largest_load", *std::max_element(rows.begin(), rows.end()) / even});
  if (spec_.capacity_factor > 0) facts.push_back({"dropped_share", static_cast<double>(capacity.dropped) / slots});
  if (spec_.routing.kind == Routing::Kind::expert_choice)
    facts.push_back({"untaken_share", expected_untaken_share({spec_.tokens, spec_.experts, spec_.top_k})});
  return facts;
}

/// Weights of all experts, spread over the devices; the dense twin multiplies the same.
double MoeFfn::held_bytes(bool) const {
  const double matrices = spec_.gated ? 3 : 2;
  const double weights = static_cast<double>(spec_.experts + spec_.shared_experts) * matrices *
                         static_cast<double>(spec_.hidden) * static_cast<double>(spec_.intermediate);
  const double tokens = 2.0 * static_cast<double>(spec_.tokens) * static_cast<double>(spec_.hidden);
  const double bytes = element_bytes(spec_.dtype);
  return (weights * (spec_.weights.any() ? spec_.weights.bytes_per_weight() : bytes) + tokens * bytes) / spec_.devices;
}

SparsitySummary MoeFfn::sparsity(const LowerContext& context) const {
  const auto experts = static_cast<double>(spec_.experts + spec_.pruned_experts + spec_.shared_experts);
  const auto active = static_cast<double>(spec_.top_k + spec_.shared_experts);
  const auto tokens = static_cast<double>(spec_.tokens);
  SparsitySummary summary;
  summary.declared = 1 - active / experts;
  if (summary.declared <= 0) return summary;
  if (on_cores(context.substrate)) {  // no tiles: a row of an expert costs no other row
    summary.facts = facts(this->capacity(context));
    return summary;
  }
  const Kernel& kernel =
      find_grouped_kernel(context.substrate, spec_.kernel, expert_type(spec_, context.substrate), spec_.expected);
  const MoeTile tile = expert_tile(spec_, kernel, spec_.tokens, spec_.experts, context.substrate);
  const Capacity capacity = this->capacity(context);
  double blocks = static_cast<double>(spec_.shared_experts * ceil_div(spec_.tokens, tile.m));
  for (std::int64_t count : capacity.counts)
    blocks += static_cast<double>(ceil_div(spec_.capacity_pads ? std::max(count, capacity.rows) : count, tile.m));
  summary.facts = facts(capacity);
  const double zeros = tokens * experts * summary.declared;
  const double reads = static_cast<double>(ceil_div(spec_.tokens, tile.m)) * experts;
  const auto share = [](double x) { return std::clamp(x, 0.0, 1.0); };
  summary.aligned_cache = share((reads - blocks) / (reads * summary.declared));
  summary.aligned_dispatch = share(rows_skipped(tokens, experts, blocks, tile) / summary.declared);
  if (spec_.devices > 1 && spec_.capacity_pads) {
    double empty = 0;
    for (std::int64_t count : capacity.counts) empty += static_cast<double>(capacity.rows - count);
    summary.aligned_transfer = share(1 - empty / zeros);
  }
  return summary;
}

std::vector<std::int64_t> GroupedGemm::counts(const LowerContext& context) const {
  const Routing routing = context.ideal.imbalance ? Routing{} : spec_.routing;
  try {
    return route(routing, {spec_.m, spec_.experts, 1}, {context.seed, spec_.expected});
  } catch (const RoutingError& error) {
    throw UnsupportedError(error.what());
  }
}

Program GroupedGemm::lower(const LowerContext& context) const {
  if (on_cores(context.substrate)) {
    const ExpertProducts products{counts(context), spec_.n, spec_.k, spec_.dtype, spec_.kernel};
    Program program;
    program.stages.emplace_back().launch =
        std::make_shared<const Launch>(lower_cores_products(products, context.substrate, context.ideal));
    return program;
  }
  const Kernel& kernel = find_grouped_kernel(context.substrate, spec_.kernel, spec_.dtype, spec_.expected);
  const auto rule = grouped_constants(kernel).tile_rule < 0.5 ? MoeTileRule::experts : MoeTileRule::tokens;
  GroupedSize size;
  size.counts = counts(context);
  size.n = spec_.n;
  size.k = spec_.k;
  size.dtype = spec_.dtype;
  const MoeTile tile = own_moe_tile(kernel).value_or(default_moe_tile(rule, spec_.m, spec_.experts));
  Program program;
  program.stages.emplace_back().launch =
      std::make_shared<const Launch>(lower_grouped(size, tile, kernel, context.substrate, context.ideal));
  return program;
}

Program GroupedGemm::lower_dense(const LowerContext& context) const {
  GroupedSize size;
  size.n = spec_.n * spec_.experts;
  size.k = spec_.k;
  size.dtype = spec_.dtype;
  Program program;
  append_dense_product(program, context, size, spec_.m, 0);
  return program;
}

double GroupedGemm::held_bytes(bool) const {
  const double m = static_cast<double>(spec_.m), n = static_cast<double>(spec_.n), k = static_cast<double>(spec_.k);
  return (m * (n + k) + static_cast<double>(spec_.experts) * n * k) * element_bytes(spec_.dtype);
}

SparsitySummary GroupedGemm::sparsity(const LowerContext& context) const {
  SparsitySummary summary;
  summary.declared = 1 - 1.0 / static_cast<double>(spec_.experts);
  if (spec_.experts == 1 || on_cores(context.substrate)) return summary;
  const Kernel& kernel = find_grouped_kernel(context.substrate, spec_.kernel, spec_.dtype, spec_.expected);
  const auto rule = grouped_constants(kernel).tile_rule < 0.5 ? MoeTileRule::experts : MoeTileRule::tokens;
  const MoeTile tile = own_moe_tile(kernel).value_or(default_moe_tile(rule, spec_.m, spec_.experts));
  double blocks = 0;
  for (std::int64_t count : counts(context)) blocks += static_cast<double>(ceil_div(count, tile.m));
  const double experts = static_cast<double>(spec_.experts);
  const double reads = static_cast<double>(ceil_div(spec_.m, tile.m)) * experts;
  summary.aligned_cache = std::clamp((reads - blocks) / (reads * summary.declared), 0.0, 1.0);
  summary.aligned_dispatch =
      std::min(1.0, rows_skipped(static_cast<double>(spec_.m), experts, blocks, tile) / summary.declared);
  return summary;
}

}  // namespace sparsesim
