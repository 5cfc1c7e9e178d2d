#include <charconv>

#include "models/network/topology.h"

namespace sparsesim {
namespace {

/// Node of an end as fabric files write it; -1 for a device beyond the first `devices` (it takes no part).
int node_of(const std::string& end, const Fabric& fabric, int devices) {
  const auto number = [&](std::size_t prefix) {
    int value = -1;
    const auto [rest, error] = std::from_chars(end.data() + prefix, end.data() + end.size(), value);
    return error == std::errc{} && rest == end.data() + end.size() ? value : -1;
  };
  if (end.rfind("device", 0) == 0) {
    const int device = number(6);
    if (device >= 0 && device < fabric.devices) return device < devices ? device : -1;
  }
  if (end.rfind("switch", 0) == 0) {
    const int index = number(6);
    if (index >= 0 && index < fabric.switches) return devices + index;
  }
  throw FabricError("a link of fabric \"" + fabric.name + "\" ends at \"" + end +
                    "\", which is no device or switch of it");
}

Topology explicit_topology(const Fabric& fabric, int devices) {
  Topology topology(devices, fabric.switches);
  for (const FabricLink& link : fabric.links) {
    const int a = node_of(link.from, fabric, devices), b = node_of(link.to, fabric, devices);
    if (a < 0 || b < 0) continue;
    const double raw = link.bandwidth.value > 0 ? link.bandwidth.value : fabric.link_bandwidth.value;
    // Half the latency per cable: device to device through one switch takes link_latency.
    topology.add_cable(a, b, {raw * fabric.link_efficiency.value * link.count},
                       Time::from_seconds(fabric.link_latency.value / 2));
  }
  return topology;
}

}  // namespace

Topology make_switch_topology(int devices, CableSpec cable) {
  Topology topology(devices, 1);
  for (int device = 0; device < devices; ++device)
    topology.add_cable(device, topology.switch_node(0), cable.bandwidth, cable.latency);
  return topology;
}

Topology make_mesh_topology(int devices, CableSpec cable) {
  Topology topology(devices, 0);
  for (int a = 0; a < devices; ++a)
    for (int b = a + 1; b < devices; ++b) topology.add_cable(a, b, cable.bandwidth, cable.latency);
  return topology;
}

Topology make_fat_tree_topology(int devices, int leaves, int spines, double oversubscription, CableSpec cable) {
  if (leaves < 1 || spines < 1 || devices % leaves != 0 || !(oversubscription > 0))
    throw std::invalid_argument("a fat tree needs as many devices on each leaf");
  Topology topology(devices, leaves + spines);
  const int per_leaf = devices / leaves;
  const Bandwidth uplink = cable.bandwidth * (per_leaf / (oversubscription * spines));
  for (int leaf = 0; leaf < leaves; ++leaf) {
    for (int d = 0; d < per_leaf; ++d)
      topology.add_cable(leaf * per_leaf + d, topology.switch_node(leaf), cable.bandwidth, cable.latency);
    for (int spine = 0; spine < spines; ++spine)
      topology.add_cable(topology.switch_node(leaf), topology.switch_node(leaves + spine), uplink, cable.latency);
  }
  return topology;
}

Topology make_topology(const Fabric& fabric, int devices) {
  if (fabric.topology == "none" && fabric.links.empty())
    throw FabricError("the substrate has no fabric: its devices cannot exchange data");
  if (devices > fabric.devices)
    throw FabricError("fabric \"" + fabric.name + "\" joins " + std::to_string(fabric.devices) + " devices, " +
                      std::to_string(devices) + " are needed");
  if (!(fabric.link_bandwidth.value > 0) || !(fabric.link_efficiency.value > 0))
    throw FabricError("fabric \"" + fabric.name + "\" has no link bandwidth or no link efficiency");
  if (!fabric.links.empty()) {
    Topology topology = explicit_topology(fabric, devices);
    topology.check_connected();
    return topology;
  }
  const Bandwidth payload{fabric.link_bandwidth.value * fabric.link_efficiency.value};
  const Time latency = Time::from_seconds(fabric.link_latency.value);
  if (fabric.topology == "mesh")  // a device's links are dealt out evenly among all its peers in the node
    return make_mesh_topology(devices, {payload * (1.0 / std::max(fabric.devices - 1, 1)), latency});
  return make_switch_topology(devices, {payload, Time::from_seconds(fabric.link_latency.value / 2)});
}

}  // namespace sparsesim
