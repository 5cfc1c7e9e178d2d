#include "models/explore/atlas/machines.h"

#include <algorithm>
#include <array>

#include "models/ops/cores/core.h"

namespace sparsesim::atlas {
namespace {

/// Where a shipped machine stands in the page; what has no row stands among the last.
struct Place {
  std::string_view name, group, predecessor;
  std::string_view measured_as = {};  // a device of another name whose rows are of the same kind of unit
};
constexpr std::string_view kDataCentre = "NVIDIA, data centre", kWorkstation = "NVIDIA, workstation and inference",
                           kAmd = "AMD", kGoogle = "Google", kProcessors = "Processors",
                           kOnChip = "Memory on the chip alone", kForZeros = "Made for zeros",
                           kFurther = "Further machines";
constexpr std::array<std::string_view, 8> kGroups = {kDataCentre, kWorkstation, kAmd,      kGoogle,
                                                     kProcessors, kOnChip,      kForZeros, kFurther};
constexpr std::array<Place, 33> kPlaces{{
    {"v100-sxm2-32gb", kDataCentre, ""},
    {"a100-sxm4-40gb", kDataCentre, ""},
    {"a100-sxm4-80gb", kDataCentre, "v100-sxm2-32gb"},
    {"h100-sxm5-80gb", kDataCentre, "a100-sxm4-80gb"},
    {"h200-sxm-141gb", kDataCentre, "h100-sxm5-80gb"},
    {"b200-sxm-180gb", kDataCentre, "h200-sxm-141gb"},
    {"b300-sxm", kDataCentre, "b200-sxm-180gb"},
    {"rtx-3090", kWorkstation, ""},
    {"rtx-4090", kWorkstation, "rtx-3090"},
    {"rtx-a6000-48gb", kWorkstation, ""},
    {"l40s-48gb", kWorkstation, "rtx-a6000-48gb"},
    {"mi250x-gcd", kAmd, ""},
    {"mi300x", kAmd, "mi250x-gcd"},
    {"tpu-v4", kGoogle, ""},
    {"tpu-v5e", kGoogle, "tpu-v4"},
    {"tpu-v5p", kGoogle, "tpu-v4"},
    {"epyc-milan-2c", kProcessors, "", "epyc-zen3-1c"},
    {"epyc-turin-2c", kProcessors, "epyc-milan-2c", "epyc-zen5-1c"},
    {"epyc-genoa-96c", kProcessors, ""},
    {"epyc-genoa-2x96c", kProcessors, ""},
    {"xeon-sapphire-rapids-2c", kProcessors, ""},
    {"xeon-sapphire-rapids-56c", kProcessors, ""},
    {"xeon-sapphire-rapids-2x56c", kProcessors, ""},
    {"ipu-gc200", kOnChip, ""},
    {"wse-3", kOnChip, ""},
    {"groq-tsp", kOnChip, ""},
    {"eie-64", kForZeros, ""},
    {"scnn-64", kForZeros, ""},
    {"sigma-128", kForZeros, ""},
    {"outerspace-256", kForZeros, ""},
    {"extensor-128", kForZeros, ""},
    {"gamma-32", kForZeros, ""},
    {"systolic-128", kForZeros, ""},  // what SIGMA was compared with
}};

const Place* place_of(std::string_view name) {
  const auto found = std::find_if(kPlaces.begin(), kPlaces.end(), [&](const Place& p) { return p.name == name; });
  return found == kPlaces.end() ? nullptr : &*found;
}

/// A matrix unit that the machine declares beats one that it emulates.
std::vector<std::string> dtypes_of(const Substrate& substrate) {
  const auto& rates = substrate.compute.pipes.tensor;
  if (rates.contains("fp16")) return {"fp16", "bf16", "fp32"};
  if (rates.contains("bf16")) return {"bf16", "fp16", "fp32"};
  return {"fp32", "fp16", "bf16"};
}

/// The first alias, or the name where that is shorter or the alias could be taken for a number.
std::string label_of(const Substrate& substrate) {
  if (substrate.aliases.empty()) return substrate.name;
  const std::string& alias = substrate.aliases.front();
  const bool number = alias.front() >= '0' && alias.front() <= '9';
  return number || substrate.name.size() < alias.size() ? substrate.name : alias;
}

Machine machine_of(const std::string& given, const SearchPath& search) {
  Machine machine;
  machine.given = given;
  machine.substrate = std::make_shared<const Substrate>(load_substrate(given, search));
  const Substrate& s = *machine.substrate;
  machine.label = label_of(s);
  machine.dtypes = dtypes_of(s);
  machine.measured_as = {s.name};
  machine.group = kFurther;
  if (const Place* place = place_of(s.name)) {
    machine.group = place->group;
    if (!place->measured_as.empty()) machine.measured_as.emplace_back(place->measured_as);
  }
  return machine;
}

/// Devices of the evidence that run the same kernels, those first whose name the machine's begins with: its own device
/// for a node.
void find_relatives(std::vector<Machine>& machines, const Evidence& evidence, const SearchPath& search) {
  std::map<std::string, std::string> architectures;  // by device
  const auto shipped = list_substrates(search);
  for (const std::string& device : evidence.devices())
    if (std::any_of(shipped.begin(), shipped.end(), [&](const SubstrateEntry& entry) { return entry.name == device; }))
      architectures[device] = load_substrate(device, search).architecture;
  for (Machine& machine : machines) {
    for (const auto& [device, architecture] : architectures)
      if (architecture == machine.substrate->architecture && device != machine.substrate->name)
        machine.related.push_back(device);
    std::stable_partition(machine.related.begin(), machine.related.end(),
                          [&](const std::string& device) { return machine.substrate->name.starts_with(device); });
  }
}

/// By group, then as the table of places has them, nodes after devices.
std::vector<Machine> shipped_machines(const SearchPath& search) {
  std::vector<Machine> machines;
  for (const SubstrateEntry& entry : list_substrates(search))
    machines.push_back(machine_of(entry.broken.empty() ? entry.name : entry.path, search));
  const auto rank = [](const Machine& m) {
    const Place* place = place_of(m.substrate->name);
    const auto group = std::find(kGroups.begin(), kGroups.end(), m.group) - kGroups.begin();
    return std::tuple(m.is_node(), group, place ? place - kPlaces.data() : std::ptrdiff_t{kPlaces.size()});
  };
  std::stable_sort(machines.begin(), machines.end(),
                   [&](const Machine& a, const Machine& b) { return rank(a) < rank(b); });
  for (Machine& machine : machines) {
    machine.shipped = true;
    const Place* place = place_of(machine.substrate->name);
    for (const Machine& before : machines)
      if (place && before.substrate->name == place->predecessor) machine.predecessor = before.label;
  }
  return machines;
}

}  // namespace

std::vector<Machine> machines_of(const std::vector<std::string>& names, const SearchPath& search,
                                 const Evidence& evidence) {
  std::vector<Machine> machines;
  if (names.empty()) machines = shipped_machines(search);
  for (const std::string& name : names) {
    machines.push_back(machine_of(name, search));
    if (machines.size() > 1) machines.back().predecessor = machines[machines.size() - 2].label;
  }
  find_relatives(machines, evidence, search);
  return machines;
}

}  // namespace sparsesim::atlas
