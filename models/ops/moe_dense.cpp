// The dense twins of expert layers, what their sparsity is worth where, and how they are read.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "models/ops/gemm.h"
#include "models/ops/limits.h"
#include "models/ops/moe.h"
#include "models/ops/moe_kernels.h"

namespace sparsesim {
namespace {

// A slice of a dense product has so many results at most: enough tiles for many waves.
constexpr double kSliceResults = 6e7;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

template <class Integer>
Integer parameter(const MeasuredOp& row, const std::string& name, Integer fallback) {
  const auto entry = row.params.find(name);
  if (entry == row.params.end()) return fallback;
  Integer value = 0;
  const std::string& text = entry->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw UnsupportedError(fmt::format("parameter {}={} is not an integer", name, text));
  return value;
}

std::string library_kernel(const std::string& kernel) {
  const auto colon = kernel.find(':');
  return colon == std::string::npos ? kernel : kernel.substr(colon + 1);
}

Routing row_routing(const MeasuredOp& row) {
  const auto entry = row.params.find("routing");
  try {
    return entry == row.params.end() ? Routing{} : parse_routing(entry->second);
  } catch (const RoutingError& error) {
    throw UnsupportedError(error.what());
  }
}

Routing read_routing(config::MapReader& map) {
  const std::string text = map.text("routing", "balanced");
  try {
    return parse_routing(text);
  } catch (const RoutingError& error) {
    map.mistake(std::string_view("routing"), std::string(error.what()));
    return {};
  }
}

/// Makes counts of a trace, found from the folder of the workload, and checks that the routing fits the layer.
void settle_routing(config::MapReader& map, Routing& routing, const RoutingSize& size) {
  const std::string_view key = "routing";
  try {
    if (routing.kind == Routing::Kind::trace) {
      const auto folder = std::filesystem::path(map.node().position().file).parent_path();
      const std::string path = (folder / routing.trace).string();
      config::Diagnostics file;
      const std::string text = config::read_text_file(path, kMostTraceBytes, file);
      routing.counts = parse_routing_trace(text, path, size, map.diagnostics());
      routing.kind = Routing::Kind::counts;
      return;  // its mistakes have places of their own
    }
    if (size.top_k <= size.experts) route(routing, size, {});
  } catch (const RoutingError& error) {
    map.mistake(key, std::string(error.what()));
  } catch (const config::ConfigError& error) {  // the file: named where it is asked for
    map.mistake(key, fmt::format("{}: {}", routing.trace, error.mistakes().back().message));
    routing = {};
  }
}

/// What a workload cannot ask for, no row can: products of sizes stay in 64 bits.
void check_row_sizes(const MeasuredOp& row, std::int64_t most, std::int64_t experts, std::int64_t shared) {
  for (const std::int64_t size : {row.m, row.n, row.k})
    require_at_most(static_cast<double>(size), static_cast<double>(most), "elements along one side");
  require_at_most(static_cast<double>(experts), 1 << 16, "experts");
  require_at_most(static_cast<double>(shared), 1 << 10, "shared experts");
}

constexpr std::array<std::string_view, 7> kTypes = {"fp32", "tf32", "fp16", "bf16", "fp8", "int8", "int4"};
constexpr std::int64_t kMost = std::int64_t{1} << 24;

}  // namespace

int append_dense_product(Program& program, const LowerContext& context, const GroupedSize& size, std::int64_t m,
                         int device) {
  const double results = static_cast<double>(m) * static_cast<double>(size.n);
  const auto slices = std::clamp<std::int64_t>(std::llround(results / kSliceResults), 1, ceil_div(size.n, 256));
  require_at_most(static_cast<double>(slices) * program.devices, kStagesMost, "slices of a dense product");
  Launch launch = lower_gemm(m, ceil_div(size.n, slices), size.k, size.dtype, context.substrate, context.ideal);
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
  const std::int64_t width = ceil_div((spec_.experts + spec_.shared_experts) * spec_.intermediate, spec_.devices);
  GroupedSize up, down;
  up.n = width * (spec_.gated ? 2 : 1);
  up.k = down.n = spec_.hidden;
  down.k = width;
  up.dtype = down.dtype = spec_.dtype;
  const double inner = static_cast<double>(spec_.tokens) * static_cast<double>(width) * element_bytes(spec_.dtype);
  const auto activation = std::make_shared<const Launch>(lower_stream(
      "moe_activation", inner * (spec_.gated ? 2 : 1), inner, inner / element_bytes(spec_.dtype), context.substrate));
  Program one;
  one.devices = spec_.devices;
  append_dense_product(one, context, up, spec_.tokens, 0);
  one.stages.emplace_back().launch = activation;
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

SparsitySummary MoeFfn::sparsity(const LowerContext& context) const {
  const auto experts = static_cast<double>(spec_.experts + spec_.shared_experts);
  const auto active = static_cast<double>(spec_.top_k + spec_.shared_experts);
  const auto tokens = static_cast<double>(spec_.tokens);
  SparsitySummary summary;
  summary.declared = 1 - active / experts;
  if (summary.declared <= 0) return summary;
  const Kernel& kernel = find_grouped_kernel(context.substrate, spec_.kernel, spec_.dtype);
  const auto rule = grouped_constants(kernel).tile_rule < 0.5 ? MoeTileRule::experts : MoeTileRule::tokens;
  const MoeTile tile = choose_moe_tile(context.substrate.name, rule, spec_.tokens, spec_.experts, spec_.intermediate);
  const Capacity capacity = this->capacity(context);
  double blocks = static_cast<double>(spec_.shared_experts * ceil_div(spec_.tokens, tile.m));
  for (std::int64_t count : capacity.counts)
    blocks += static_cast<double>(ceil_div(spec_.capacity_pads ? std::max(count, capacity.rows) : count, tile.m));
  const double zeros = tokens * experts * summary.declared;
  const double reads = static_cast<double>(ceil_div(spec_.tokens, tile.m)) * experts;
  const auto share = [](double x) { return std::clamp(x, 0.0, 1.0); };
  summary.aligned_cache = share((reads - blocks) / (reads * summary.declared));
  summary.aligned_dispatch = share((tokens * experts - blocks * tile.m) / zeros);
  if (spec_.devices > 1 && spec_.capacity_pads) {
    double empty = 0;
    for (std::int64_t count : capacity.counts) empty += static_cast<double>(capacity.rows - count);
    summary.aligned_transfer = share(1 - empty / zeros);
  }
  return summary;
}

std::unique_ptr<Op> read_moe(config::MapReader& map) {
  static constexpr std::array<std::string_view, 2> kOver = {"drop", "pad"};
  static constexpr std::array<std::string_view, 3> kPlaces = {"contiguous", "round_robin", "listed"};
  MoeSpec spec;
  spec.tokens = map.integer("tokens", 1, kMost);
  spec.hidden = map.integer("hidden", 1, kMost);
  spec.intermediate = map.integer("intermediate", 1, kMost);
  spec.experts = map.integer("experts", 1, 1 << 16);
  spec.top_k = map.integer("top_k", 1, 1 << 16);
  spec.shared_experts = map.integer("shared_experts", 0, 1 << 10, 0);
  spec.gated = map.boolean("gated", true);
  spec.dtype = map.choice("dtype", kTypes, "bf16");
  spec.routing = read_routing(map);
  spec.capacity_factor = map.number("capacity_factor", config::Range::non_negative(), 0);
  spec.capacity_pads = map.choice("over_capacity", kOver, "drop") == "pad";
  spec.devices = static_cast<int>(map.integer("devices", 1, 1024, 1));
  const std::string place = map.choice("placement", kPlaces, "contiguous");
  spec.placement = place == "listed"        ? Placement::listed
                   : place == "round_robin" ? Placement::round_robin
                                            : Placement::contiguous;
  if (spec.placement == Placement::listed)
    spec.expert_device = map.integers("expert_device", 0, spec.devices - 1, spec.experts);
  spec.overlap_chunks = static_cast<int>(map.integer("overlap_chunks", 1, 64, 1));
  spec.kernel = map.text("kernel", "");
  settle_routing(map, spec.routing, {spec.tokens, spec.experts, spec.top_k});
  if (spec.top_k > spec.experts) {
    map.mistake(std::string_view("top_k"), fmt::format("top_k {} of {} experts", spec.top_k, spec.experts));
    return nullptr;
  }
  if (spec.devices > spec.experts) {
    map.mistake(std::string_view("devices"),
                fmt::format("{} experts cannot be spread over {} devices", spec.experts, spec.devices));
    return nullptr;
  }
  if (spec.placement == Placement::listed && static_cast<std::int64_t>(spec.expert_device.size()) != spec.experts) {
    map.mistake(std::string_view("expert_device"),
                fmt::format("placement lists {} of {} experts", spec.expert_device.size(), spec.experts));
    return nullptr;
  }
  return std::make_unique<MoeFfn>(std::move(spec));
}

std::unique_ptr<Op> moe_from_row(const MeasuredOp& row) {
  MoeSpec spec;
  spec.tokens = row.m;
  spec.hidden = row.k;
  spec.intermediate = row.n;
  spec.experts = parameter<std::int64_t>(row, "experts", 0);
  spec.top_k = parameter<std::int64_t>(row, "top_k", 0);
  spec.shared_experts = parameter<std::int64_t>(row, "shared_experts", 0);
  check_row_sizes(row, kMost, spec.experts, spec.shared_experts);
  spec.gated = parameter<int>(row, "gated", 1) != 0;
  spec.dtype = row.dtype;
  spec.devices = std::max(1, row.devices);
  spec.routing = row_routing(row);
  spec.kernel = library_kernel(row.kernel);
  spec.expected = true;
  return std::make_unique<MoeFfn>(std::move(spec));
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
  const Kernel& kernel = find_grouped_kernel(context.substrate, spec_.kernel, spec_.dtype);
  const auto rule = grouped_constants(kernel).tile_rule < 0.5 ? MoeTileRule::experts : MoeTileRule::tokens;
  GroupedSize size;
  size.counts = counts(context);
  size.n = spec_.n;
  size.k = spec_.k;
  size.dtype = spec_.dtype;
  const MoeTile tile = default_moe_tile(rule, spec_.m, spec_.experts);
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

SparsitySummary GroupedGemm::sparsity(const LowerContext& context) const {
  SparsitySummary summary;
  summary.declared = 1 - 1.0 / static_cast<double>(spec_.experts);
  if (spec_.experts == 1) return summary;
  const Kernel& kernel = find_grouped_kernel(context.substrate, spec_.kernel, spec_.dtype);
  const auto rule = grouped_constants(kernel).tile_rule < 0.5 ? MoeTileRule::experts : MoeTileRule::tokens;
  const MoeTile tile = default_moe_tile(rule, spec_.m, spec_.experts);
  double blocks = 0;
  for (std::int64_t count : counts(context)) blocks += static_cast<double>(ceil_div(count, tile.m));
  const double rows = static_cast<double>(spec_.m), experts = static_cast<double>(spec_.experts);
  const double reads = static_cast<double>(ceil_div(spec_.m, tile.m)) * experts;
  summary.aligned_cache = std::clamp((reads - blocks) / (reads * summary.declared), 0.0, 1.0);
  summary.aligned_dispatch =
      std::clamp((rows * experts - blocks * tile.m) / (rows * experts * summary.declared), 0.0, 1.0);
  return summary;
}

std::unique_ptr<Op> read_grouped_gemm(config::MapReader& map) {
  GroupedGemm::Spec spec;
  spec.m = map.integer("m", 1, kMost);
  spec.n = map.integer("n", 1, kMost);
  spec.k = map.integer("k", 1, kMost);
  spec.experts = map.integer("experts", 1, 1 << 16);
  spec.dtype = map.choice("dtype", kTypes, "bf16");
  spec.routing = read_routing(map);
  spec.kernel = map.text("kernel", "");
  settle_routing(map, spec.routing, {spec.m, spec.experts, 1});
  return std::make_unique<GroupedGemm>(std::move(spec));
}

std::unique_ptr<Op> grouped_gemm_from_row(const MeasuredOp& row) {
  GroupedGemm::Spec spec;
  spec.m = row.m;
  spec.n = row.n;
  spec.k = row.k;
  spec.experts = parameter<std::int64_t>(row, "experts", 0);
  check_row_sizes(row, kMost, spec.experts, 0);
  if (spec.m < 1 || spec.n < 1 || spec.k < 1 || spec.experts < 1)
    throw UnsupportedError("a grouped_gemm row needs m, n, k and params experts");
  spec.dtype = row.dtype;
  spec.routing = row_routing(row);
  spec.kernel = library_kernel(row.kernel);
  spec.expected = true;
  return std::make_unique<GroupedGemm>(std::move(spec));
}

}  // namespace sparsesim
