#include "models/ops/experts/moe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "models/ops/cores/core.h"
#include "models/ops/cores/core_experts.h"
#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/experts/moe_kernels.h"
#include "models/ops/limits.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

using Launches = std::vector<std::shared_ptr<const Launch>>;

/// The kernels that one device runs for its share of a layer.
class DeviceWork {
 public:
  DeviceWork(const MoeSpec& spec, const LowerContext& context)
      : spec_(spec),
        context_(context),
        kernel_(
            find_grouped_kernel(context.substrate, spec.kernel, expert_type(spec, context.substrate), spec.expected)) {}

  /// tokens that the device routes, counts of its own experts' copies, padded rows per expert
  ///
  /// A batch beyond the library's chunk runs in pieces, here equal ones: they share launches, so they are simulated
  /// once.
  Launches lower(std::int64_t tokens, const std::vector<std::int64_t>& counts, std::int64_t padded) const {
    const double chunk = grouped_constants(kernel_).chunk_tokens;
    const std::int64_t present = present_tokens(tokens, counts);
    const std::int64_t pieces = chunk > 0 ? std::max<std::int64_t>(1, ceil_div(present, std::llround(chunk))) : 1;
    std::vector<std::int64_t> part;
    for (std::int64_t count : counts) part.push_back(ceil_div(count, pieces));
    const Launches once = lower_piece(ceil_div(tokens, pieces), std::move(part), ceil_div(padded, pieces));
    Launches all;
    require_at_most(static_cast<double>(pieces) * spec_.devices, kStagesMost, "pieces of a batch");
    for (std::int64_t i = 0; i < pieces; ++i) all.insert(all.end(), once.begin(), once.end());
    return all;
  }

 private:
  /// Tokens whose rows are on the device when it multiplies: its own, or what other devices sent it.
  std::int64_t present_tokens(std::int64_t tokens, const std::vector<std::int64_t>& counts) const {
    if (spec_.devices == 1) return tokens;
    const auto rows = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    return std::clamp<std::int64_t>(rows, 1, spec_.tokens);
  }

  Launches lower_piece(std::int64_t tokens, std::vector<std::int64_t> counts, std::int64_t padded) const {
    Launches launches;
    const std::int64_t present = present_tokens(tokens, counts);
    const std::int64_t routed = spec_.devices == 1 ? static_cast<std::int64_t>(counts.size()) : spec_.experts;
    std::int64_t experts = static_cast<std::int64_t>(counts.size());
    for (std::int64_t i = 0; i < spec_.shared_experts; ++i) counts.push_back(tokens);
    experts += spec_.shared_experts;
    const std::int64_t slots = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    const MoeTile tile = expert_tile(spec_, kernel_, present, experts, context_.substrate);

    GroupedSize up;
    up.counts = std::move(counts);
    up.n = spec_.intermediate * (spec_.gated ? 2 : 1);
    up.k = spec_.hidden;
    up.dtype = expert_type(spec_, context_.substrate);
    up.weights = spec_.weights;
    up.padded_rows = padded;
    up.naive = slots * 4 <= experts && padded == 0;  // vLLM: too few rows to be worth sorting
    // The host does not know the counts: the grid holds the worst case.
    up.grid_rows = slots + experts * (tile.m - 1);
    if (present < tile.m) up.grid_rows = std::min(up.grid_rows, slots * tile.m);
    up.source_rows = static_cast<double>(present);
    GroupedSize down = up;
    down.source_rows = static_cast<double>(slots);
    down.n = spec_.hidden;
    down.k = spec_.intermediate;

    const Substrate& substrate = context_.substrate;
    const double bytes = element_bytes(spec_.dtype);
    const auto rows = static_cast<double>(slots);
    const auto add = [&](Launch launch, const char* name) {
      launch.name = name;
      launches.push_back(std::make_shared<const Launch>(std::move(launch)));
    };
    if (!context_.ideal.metadata) {
      if (spec_.routing.kind == Routing::Kind::expert_choice) {
        add(lower_expert_choice(tokens, routed, ceil_div(tokens * spec_.top_k, spec_.experts), substrate),
            "moe_router");
      } else {
        add(lower_router(tokens, routed + spec_.shared_experts, spec_.top_k, substrate), "moe_router");
        add(lower_align(up.naive ? 0 : slots, up.naive ? 0 : experts, up.naive ? 0 : up.grid_rows, substrate),
            "moe_align");
      }
    }
    const double inner = rows * static_cast<double>(spec_.intermediate) * bytes;
    const double outer = rows * static_cast<double>(spec_.hidden) * bytes;
    const auto quantise = [&](std::int64_t elements) {
      if (up.dtype != spec_.dtype)
        add(lower_quantisation(elements, spec_.dtype, spec_.weights, substrate), "moe_quantise");
    };
    quantise(present * spec_.hidden);
    add(lower_grouped(up, tile, kernel_, substrate, context_.ideal), "moe_up");
    add(lower_stream("moe_activation", inner * (spec_.gated ? 2 : 1), inner, inner / bytes, substrate),
        "moe_activation");
    quantise(slots * spec_.intermediate);
    add(lower_grouped(down, tile, kernel_, substrate, context_.ideal), "moe_down");
    const double result = static_cast<double>(tokens * spec_.hidden) * bytes;
    // vLLM sums 2 to 4 experts with a kernel of its own and leaves other numbers to a generic reduction.
    const bool own_sum = spec_.top_k >= 2 && spec_.top_k <= 4 && spec_.routing.kind != Routing::Kind::expert_choice;
    add(lower_stream(own_sum ? "moe_sum" : "moe_sum_generic", outer, result, result / bytes, substrate), "moe_sum");
    return launches;
  }

  const MoeSpec& spec_;
  const LowerContext& context_;
  const Kernel& kernel_;
};

Stage launch_stage(int device, std::shared_ptr<const Launch> launch, std::vector<int> after) {
  Stage stage;
  stage.device = device;
  stage.launch = std::move(launch);
  stage.after = std::move(after);
  return stage;
}

int add(Program& program, Stage stage) {
  program.stages.push_back(std::move(stage));
  return static_cast<int>(program.stages.size()) - 1;
}

// Share `part` of `parts` of a whole, remainders first: the parts add up to the whole.
std::int64_t share(std::int64_t whole, std::int64_t part, std::int64_t parts) {
  return whole / parts + (part < whole % parts ? 1 : 0);
}

}  // namespace

MoeFfn::MoeFfn(MoeSpec spec) : spec_(std::move(spec)) {
  const auto& s = spec_;
  if (s.tokens < 1 || s.hidden < 1 || s.intermediate < 1 || s.experts < 1)
    throw UnsupportedError("moe_ffn needs tokens, hidden, intermediate and experts of 1 or more");
  if (const auto fault = find_moe_fault(s)) throw UnsupportedError(fault->message);
}

std::string expert_type(const MoeSpec& spec, const Substrate& substrate) {
  if (!spec.weights.any()) return spec.dtype;
  if (on_cores(substrate))
    throw UnsupportedError(
        fmt::format("no model of experts with weights in {} on the cores of {}", spec.weights.type, substrate.name));
  if (!multiplies(substrate, spec.weights)) return spec.dtype;
  const bool grouped = std::any_of(substrate.kernels.begin(), substrate.kernels.end(), [&](const Kernel& kernel) {
    return kernel.op == "grouped_gemm" && kernel.name.starts_with(spec.kernel) &&
           std::find(kernel.dtypes.begin(), kernel.dtypes.end(), spec.weights.type) != kernel.dtypes.end();
  });
  return grouped ? spec.weights.type : spec.dtype;
}

MoeTile expert_tile(const MoeSpec& spec, const Kernel& kernel, std::int64_t tokens, std::int64_t experts,
                    const Substrate& substrate) {
  if (const auto own = own_moe_tile(kernel)) return *own;
  const bool bytes = spec.weights.any() && expert_type(spec, substrate) != spec.dtype;
  if (bytes && spec.weights.block > 0) return scaled_moe_tile(tokens, spec.weights.block);
  const auto rule = grouped_constants(kernel).tile_rule < 0.5 ? MoeTileRule::experts : MoeTileRule::tokens;
  MoeTile tile = choose_moe_tile(substrate.product, rule, tokens, experts, spec.intermediate);
  if (bytes) tile.k = std::max(tile.k, 128);  // a line of bytes; the library's table for 8 bits is not kept here
  return tile;
}

Capacity MoeFfn::capacity(const LowerContext& context) const {
  const RoutingSize size{spec_.tokens, spec_.experts, spec_.top_k};
  const Routing routing = context.ideal.imbalance ? Routing{} : spec_.routing;
  try {
    return apply_capacity(route(routing, size, {context.seed, spec_.expected}), size, spec_.capacity_factor);
  } catch (const RoutingError& error) {
    throw UnsupportedError(error.what());
  }
}

Program MoeFfn::lower(const LowerContext& context) const {
  const Capacity capacity = this->capacity(context);
  if (on_cores(context.substrate)) return lower_cores_moe(spec_, capacity.counts, context);
  const std::vector<ExpertCopy> copies = this->copies(capacity.counts);
  const std::int64_t padded = spec_.capacity_pads ? capacity.rows : 0;
  const DeviceWork work(spec_, context);
  Program program;
  program.devices = spec_.devices;
  const int chunks = spec_.devices > 1 ? spec_.overlap_chunks : 1;
  const double devices = spec_.devices;
  require_at_most(spec_.devices > 1 ? 2.0 * chunks * devices * devices : 0.0, kExchangePairsMost,
                  "pairs of devices over all exchanges");
  const double bytes = static_cast<double>(spec_.hidden) * element_bytes(spec_.dtype);
  std::vector<int> dispatched;  // per chunk, the stage that ends its dispatch
  const auto chunk_counts = [&](int device, int chunk) {
    std::vector<std::int64_t> counts;
    for (const ExpertCopy& copy : copies)
      if (copy.device == device) counts.push_back(share(copy.rows, chunk, chunks));
    return counts;
  };
  const auto count = static_cast<std::size_t>(spec_.devices);
  const auto exchange = [&](int chunk, bool back) {
    Stage stage;
    stage.type = Stage::Type::exchange;
    stage.exchange.name = back ? "moe_combine" : "moe_dispatch";
    stage.exchange.algorithm = "all_to_all";
    stage.exchange.devices = spec_.devices;
    stage.exchange.bytes.assign(count * count, 0);
    for (const ExpertCopy& copy : copies)
      for (int source = 0; source < spec_.devices; ++source) {
        const double rows = static_cast<double>(share(padded > 0 ? padded : copy.rows, chunk, chunks));
        const int from = back ? copy.device : source, to = back ? source : copy.device;
        if (from != to)
          stage.exchange.bytes[static_cast<std::size_t>(from) * count + static_cast<std::size_t>(to)] +=
              rows * bytes / spec_.devices;
      }
    return stage;
  };
  // All dispatches queue first, so that the fabric works ahead while a device computes.
  if (spec_.devices > 1)
    for (int chunk = 0; chunk < chunks; ++chunk) dispatched.push_back(add(program, exchange(chunk, false)));
  for (int chunk = 0; chunk < chunks; ++chunk) {
    std::vector<int> computed;
    std::vector<std::pair<std::vector<std::int64_t>, Launches>> known;
    for (int device = 0; device < spec_.devices; ++device) {
      const auto counts = chunk_counts(device, chunk);
      const std::int64_t tokens =
          std::max<std::int64_t>(1, share(share(spec_.tokens, device, spec_.devices), chunk, chunks));
      auto found = std::find_if(known.begin(), known.end(), [&](const auto& k) { return k.first == counts; });
      if (found == known.end())
        found = known.insert(known.end(), {counts, work.lower(tokens, counts, ceil_div(padded, chunks))});
      for (std::size_t i = 0; i < found->second.size(); ++i) {
        std::vector<int> after;
        if (i == 0 && spec_.devices > 1) after.push_back(dispatched[static_cast<std::size_t>(chunk)]);
        add(program, launch_stage(device, found->second[i], std::move(after)));
      }
      computed.push_back(static_cast<int>(program.stages.size()) - 1);
    }
    if (spec_.devices > 1) {
      Stage combine = exchange(chunk, true);
      combine.after = computed;
      add(program, std::move(combine));
    }
  }
  return program;
}

}  // namespace sparsesim
