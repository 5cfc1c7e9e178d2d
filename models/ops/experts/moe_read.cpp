// How expert layers and grouped products are read from workloads and measured rows.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "models/ops/experts/grouped_gemm.h"
#include "models/ops/experts/moe.h"
#include "models/ops/limits.h"
#include "models/sparsity/routing/routing_trace.h"

namespace sparsesim {
namespace {

constexpr std::array<std::string_view, 7> kTypes = {"fp32", "tf32", "fp16", "bf16", "fp8", "int8", "int4"};

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
  const TracePart part{map.integer("trace_layer", -1, 1 << 20, -1),
                       map.integer("trace_step", -1, kLayerExtentMost, -1)};
  try {
    if (routing.kind == Routing::Kind::trace) {
      const auto folder = std::filesystem::path(map.node().position().file).parent_path();
      const std::string path = (folder / routing.trace).string();
      if (size.top_k > size.experts) return;
      routing.counts = read_routing_trace(path, size, part, map.diagnostics());
      routing.kind = Routing::Kind::counts;
      return;  // its mistakes have places of their own
    }
    if (part.layer >= 0 || part.step >= 0)
      map.mistake(part.layer >= 0 ? "trace_layer" : "trace_step", "the routing is no trace");
    if (size.top_k <= size.experts) route(routing, size, {});
  } catch (const RoutingError& error) {
    map.mistake(key, std::string(error.what()));
  } catch (const config::ConfigError& error) {  // the file: named where it is asked for
    map.mistake(key, fmt::format("{}: {}", routing.trace, error.mistakes().back().message),
                error.mistakes().back().hint);
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

void read_placement(config::MapReader& map, MoeSpec& spec) {
  static constexpr std::array<std::string_view, 4> kPlaces = {"contiguous", "round_robin", "listed", "balanced"};
  static constexpr std::array<Placement, 4> kPlacements = {Placement::contiguous, Placement::round_robin,
                                                           Placement::listed, Placement::balanced};
  spec.replicas = map.integer("replicas", 0, 1 << 16, 0);
  const std::string place = map.choice("placement", kPlaces, spec.replicas > 0 ? "balanced" : "contiguous");
  spec.placement =
      kPlacements[static_cast<std::size_t>(std::find(kPlaces.begin(), kPlaces.end(), place) - kPlaces.begin())];
  if (spec.placement == Placement::listed)
    spec.expert_device = map.integers("expert_device", 0, spec.devices - 1, spec.experts);
}

}  // namespace

std::unique_ptr<Op> read_moe(config::MapReader& map) {
  static constexpr std::array<std::string_view, 2> kOver = {"drop", "pad"};
  MoeSpec spec;
  spec.tokens = map.integer("tokens", 1, kLayerExtentMost);
  spec.hidden = map.integer("hidden", 1, kLayerExtentMost);
  spec.intermediate = map.integer("intermediate", 1, kLayerExtentMost);
  spec.experts = map.integer("experts", 1, 1 << 16);
  spec.top_k = map.integer("top_k", 1, 1 << 16);
  spec.shared_experts = map.integer("shared_experts", 0, 1 << 10, 0);
  spec.gated = map.boolean("gated", true);
  spec.dtype = map.choice("dtype", kTypes, "bf16");
  spec.weights = read_scaled_weights(map, spec.dtype);
  spec.routing = read_routing(map);
  spec.capacity_factor = map.number("capacity_factor", config::Range::non_negative(), 0);
  spec.capacity_pads = map.choice("over_capacity", kOver, "drop") == "pad";
  spec.devices = static_cast<int>(map.integer("devices", 1, 1024, 1));
  read_placement(map, spec);
  spec.overlap_chunks = static_cast<int>(map.integer("overlap_chunks", 1, 64, 1));
  spec.kernel = map.text("kernel", "");
  const std::int64_t all = spec.experts;
  spec.experts = map.integer("kept_experts", 1, 1 << 16, all);
  spec.pruned_experts = all - spec.experts;
  if (spec.pruned_experts < 0)
    map.mistake("kept_experts", fmt::format("kept_experts is {}, of {} that there are", spec.experts, all));
  settle_routing(map, spec.routing, {spec.tokens, spec.experts, spec.top_k});
  if (const auto fault = find_moe_fault(spec)) {
    map.mistake(fault->key, fault->message);
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
  check_row_sizes(row, kLayerExtentMost, spec.experts, spec.shared_experts);
  spec.gated = parameter<int>(row, "gated", 1) != 0;
  const LayerTypes types = row_types(row);
  spec.dtype = types.activations;
  spec.weights = types.weights;
  spec.devices = std::max(1, row.devices);
  spec.routing = row_routing(row);
  spec.kernel = library_kernel(row.kernel);
  spec.expected = true;
  return std::make_unique<MoeFfn>(std::move(spec));
}

std::unique_ptr<Op> read_grouped_gemm(config::MapReader& map) {
  GroupedGemm::Spec spec;
  spec.m = map.integer("m", 1, kLayerExtentMost);
  spec.n = map.integer("n", 1, kLayerExtentMost);
  spec.k = map.integer("k", 1, kLayerExtentMost);
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
  check_row_sizes(row, kLayerExtentMost, spec.experts, 0);
  if (spec.m < 1 || spec.n < 1 || spec.k < 1 || spec.experts < 1)
    throw UnsupportedError("a grouped_gemm row needs m, n, k and params experts");
  spec.dtype = row.dtype;
  spec.routing = row_routing(row);
  spec.kernel = library_kernel(row.kernel);
  spec.expected = true;
  return std::make_unique<GroupedGemm>(std::move(spec));
}

}  // namespace sparsesim
