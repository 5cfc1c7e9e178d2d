// Where experts live: which devices hold copies of which experts.

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <queue>
#include <set>

#include "models/ops/experts/moe.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

/// Copies per expert: each further one goes where a copy serves most tokens.
std::vector<std::int64_t> replicate(const std::vector<std::int64_t>& counts, std::int64_t replicas, int devices) {
  std::vector<std::int64_t> copies(counts.size(), 1);
  using Load = std::pair<double, std::int64_t>;  // tokens per copy, and minus the expert: the first of equals wins
  std::priority_queue<Load> heaviest;
  for (std::size_t e = 0; e < counts.size(); ++e)
    heaviest.emplace(static_cast<double>(counts[e]), -static_cast<std::int64_t>(e));
  for (std::int64_t i = 0; i < replicas && !heaviest.empty(); ++i) {
    const auto expert = static_cast<std::size_t>(-heaviest.top().second);
    heaviest.pop();
    ++copies[expert];
    if (copies[expert] < devices)  // a second copy on one device serves nobody
      heaviest.emplace(static_cast<double>(counts[expert]) / static_cast<double>(copies[expert]),
                       -static_cast<std::int64_t>(expert));
  }
  return copies;
}

/// Gives each copy a device, heaviest copy first, to the least loaded device with a free slot and no copy of its own.
void balance(std::vector<ExpertCopy>& copies, int devices) {
  const auto slots = static_cast<std::size_t>(ceil_div(static_cast<std::int64_t>(copies.size()), devices));
  std::vector<std::size_t> order(copies.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return copies[a].rows > copies[b].rows; });
  std::vector<std::set<std::int64_t>> held(static_cast<std::size_t>(devices));
  std::vector<std::size_t> used(held.size());
  std::set<std::pair<std::int64_t, int>> open;  // load, device
  for (int device = 0; device < devices; ++device) open.emplace(0, device);
  for (const std::size_t index : order) {
    ExpertCopy& copy = copies[index];
    auto chosen = std::find_if(open.begin(), open.end(), [&](const auto& entry) {
      return !held[static_cast<std::size_t>(entry.second)].contains(copy.expert);
    });
    if (chosen == open.end()) chosen = open.begin();
    const auto [load, device] = *chosen;
    const auto d = static_cast<std::size_t>(device);
    open.erase(chosen);
    copy.device = device;
    held[d].insert(copy.expert);
    if (++used[d] < slots) open.emplace(load + copy.rows, device);
  }
}

}  // namespace

std::optional<MoeFault> find_moe_fault(const MoeSpec& spec) {
  if (spec.top_k < 1 || spec.top_k > spec.experts)
    return MoeFault{"top_k", fmt::format("top_k {} of {} experts", spec.top_k, spec.experts)};
  if (spec.devices < 1 || spec.devices > spec.experts)
    return MoeFault{"devices", fmt::format("{} experts cannot be spread over {} devices", spec.experts, spec.devices)};
  if (spec.placement == Placement::listed && static_cast<std::int64_t>(spec.expert_device.size()) != spec.experts)
    return MoeFault{"expert_device",
                    fmt::format("placement lists {} of {} experts", spec.expert_device.size(), spec.experts)};
  for (const std::int64_t device : spec.expert_device)
    if (device < 0 || device >= spec.devices)
      return MoeFault{"expert_device", fmt::format("placement names device {} of {}", device, spec.devices)};
  if (spec.replicas > 0 && spec.placement != Placement::balanced)
    return MoeFault{"placement", "replicas need placement: balanced"};
  if (spec.replicas > spec.experts * (spec.devices - 1))
    return MoeFault{"replicas", fmt::format("{} experts on {} devices have {} further copies at most", spec.experts,
                                            spec.devices, spec.experts * (spec.devices - 1))};
  if (spec.replicas > 0 && spec.capacity_pads)
    return MoeFault{"over_capacity", "buffers of full capacity are not split among replicas: over_capacity: drop"};
  if (spec.routing.kind == Routing::Kind::expert_choice && spec.capacity_factor > 0)
    return MoeFault{"capacity_factor", "expert_choice fills every expert evenly: there is no capacity to exceed"};
  return std::nullopt;
}

std::vector<ExpertCopy> MoeFfn::copies(const std::vector<std::int64_t>& counts) const {
  const bool balanced = spec_.placement == Placement::balanced;
  const auto number =
      balanced ? replicate(counts, spec_.replicas, spec_.devices) : std::vector<std::int64_t>(counts.size(), 1);
  const std::int64_t each = ceil_div(spec_.experts, spec_.devices);
  std::vector<ExpertCopy> copies;
  for (std::int64_t expert = 0; expert < spec_.experts; ++expert) {
    const auto e = static_cast<std::size_t>(expert);
    std::int64_t device = expert / each;
    if (spec_.placement == Placement::round_robin) device = expert % spec_.devices;
    if (spec_.placement == Placement::listed) device = spec_.expert_device[e];
    for (std::int64_t copy = 0; copy < number[e]; ++copy)
      copies.push_back({expert, static_cast<int>(device), counts[e] / number[e] + (copy < counts[e] % number[e])});
  }
  if (balanced) balance(copies, spec_.devices);
  return copies;
}

}  // namespace sparsesim
