#include <algorithm>
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

/// Payload rate and latency of one cable into the network; two cables make a way through a rail.
CableSpec network_cable(const Fabric& fabric) {
  return {{fabric.network_bandwidth.value * fabric.network_efficiency.value},
          Time::from_seconds(fabric.network_latency.value / 2)};
}

Topology clustered_topology(const Fabric& fabric, int devices, CableSpec link) {
  const int nodes = nodes_of(fabric, devices), per_node = devices_of_node(fabric);
  const bool mesh = fabric.topology == "mesh";
  Topology topology(devices, per_node + (mesh ? 0 : nodes));  // rails first
  for (int device = 0; device < devices; ++device) {
    const int node = device / per_node, number = device % per_node;
    const CableSpec network = network_cable(fabric);
    topology.add_cable(device, topology.switch_node(number), network.bandwidth, network.latency);
    if (!mesh) topology.add_cable(device, topology.switch_node(per_node + node), link.bandwidth, link.latency);
    for (int peer = node * per_node; mesh && peer < device; ++peer)
      topology.add_cable(device, peer, link.bandwidth, link.latency);
  }
  return topology;
}

}  // namespace

int devices_of_node(const Fabric& fabric) { return std::max(1, fabric.devices / std::max(1, fabric.nodes)); }

int nodes_of(const Fabric& fabric, int devices) {
  if (fabric.nodes <= 1) return 1;
  const int per_node = devices_of_node(fabric);
  return (devices + per_node - 1) / per_node;
}

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
  const bool mesh = fabric.topology == "mesh";  // a device's links are dealt out evenly among its peers in the node
  const CableSpec link = mesh ? CableSpec{payload * (1.0 / std::max(devices_of_node(fabric) - 1, 1)), latency}
                              : CableSpec{payload, Time::from_seconds(fabric.link_latency.value / 2)};
  if (nodes_of(fabric, devices) > 1) return clustered_topology(fabric, devices, link);
  return mesh ? make_mesh_topology(devices, link) : make_switch_topology(devices, link);
}

}  // namespace sparsesim
