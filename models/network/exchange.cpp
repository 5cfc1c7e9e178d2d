#include "models/network/exchange.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "models/network/collectives.h"
#include "models/network/flows.h"

namespace sparsesim {
namespace {

double packets(double bytes, const Fabric& fabric, const Ideal& ideal) {
  const double packet = fabric.packet.value;
  return ideal.padding || !(packet > 0) ? bytes : std::ceil(bytes / packet) * packet;
}

/// Bytes from each device to each, as the exchange states them.
std::vector<double> pair_bytes(const Exchange& exchange, const Ideal& ideal) {
  const auto n = static_cast<std::size_t>(exchange.devices);
  if (exchange.bytes.empty()) return std::vector<double>(n * n, exchange.bytes_per_rank / exchange.devices);
  if (exchange.bytes.size() != n * n)
    throw std::invalid_argument("exchange " + exchange.name + ": bytes must be [devices, devices]");
  if (!ideal.imbalance) return exchange.bytes;
  double total = 0;
  for (double bytes : exchange.bytes) total += bytes;
  return std::vector<double>(n * n, total / static_cast<double>(n * n));
}

struct PairLoad {
  std::vector<Message> messages;
  double largest = 0;  // message between two devices
  double own = 0;      // most that one device keeps
  int peers = 0;       // most partners that one device sends to or receives from
};

PairLoad pair_load(const Exchange& exchange, const Fabric& fabric, const Ideal& ideal) {
  const std::vector<double> bytes = pair_bytes(exchange, ideal);
  const int n = exchange.devices;
  PairLoad load;
  std::vector<int> sends(static_cast<std::size_t>(n)), receives(static_cast<std::size_t>(n));
  for (int from = 0; from < n; ++from) {
    for (int to = 0; to < n; ++to) {
      const double size = bytes[static_cast<std::size_t>(from) * n + to];
      if (!(size > 0)) continue;
      if (from == to) {
        load.own = std::max(load.own, size);
        continue;
      }
      load.messages.push_back({from, to, packets(size, fabric, ideal)});
      load.largest = std::max(load.largest, load.messages.back().bytes);
      load.peers =
          std::max({load.peers, ++sends[static_cast<std::size_t>(from)], ++receives[static_cast<std::size_t>(to)]});
    }
  }
  return load;
}

ExchangeResult all_to_all(const Exchange& exchange, const Fabric& fabric, const Ideal& ideal) {
  const Topology topology = make_topology(fabric, exchange.devices);
  const PairLoad load = pair_load(exchange, fabric, ideal);
  const TransferResult moved = transfer(topology, load.messages);
  ExchangeResult result{{}, moved.bound_seconds, moved.bytes, moved.messages, "links"};
  if (fabric.collectives.empty()) {
    result.time = ideal.fixed_cost ? moved.drain : moved.time;
    return result;
  }
  const CollectiveTime cost =
      point_to_point_time(load.largest, load.peers, load.own, moved.drain.seconds(), read_library(fabric),
                          !ideal.fixed_cost, nodes_of(fabric, exchange.devices));
  result.time = Time::from_seconds(cost.seconds);
  result.protocol = name(cost.protocol);
  return result;
}

/// What each device sends to its neighbour while all do; where devices are joined directly, rings over all their links.
Bandwidth ring_bandwidth(const Topology& topology) {
  const int n = topology.devices();
  constexpr double kProbe = 1e9;  // bytes; any size gives the same rate
  std::vector<Message> ring;
  for (int device = 0; device < n; ++device) ring.push_back({device, (device + 1) % n, kProbe});
  const double neighbour = kProbe / transfer(topology, ring).drain.seconds();
  if (topology.switches() > 0) return {neighbour};
  std::vector<double> out(static_cast<std::size_t>(n), 0.0);
  for (const LinkEdge& link : topology.links())
    out[static_cast<std::size_t>(link.from)] += link.bandwidth.bytes_per_second;
  return {std::max(neighbour, *std::min_element(out.begin(), out.end()))};
}

/// Rings over nodes: as many as a node has devices, each of which leaves the node through another device's cable. A
/// ring has one rate all along, so what they carry together is at most a node's ring and at most all cables into the
/// network.
Bandwidth clustered_ring_bandwidth(const Fabric& fabric, int devices) {
  const int nodes = nodes_of(fabric, devices), per_node = devices_of_node(fabric);
  const double network = fabric.network_bandwidth.value * fabric.network_efficiency.value;
  const int rails = devices - (nodes - 1) * per_node;  // of the last node, which may be smaller
  if (per_node == 1) return {network};
  const double inside = ring_bandwidth(make_topology(fabric, per_node)).bytes_per_second;
  return {std::min(inside, network * std::min(rails, per_node))};
}

ExchangeResult ring(Collective collective, const Exchange& exchange, const Fabric& fabric, const Ideal& ideal) {
  const int n = exchange.devices, steps = ring_steps(collective, n);
  const Topology topology = make_topology(fabric, n);  // refuses what the fabric cannot join
  const int nodes = nodes_of(fabric, n);
  const int inner = std::min(n, devices_of_node(fabric));  // devices of a full node that take part
  const Bandwidth bandwidth = nodes > 1 ? clustered_ring_bandwidth(fabric, n) : ring_bandwidth(topology);
  const Bandwidth inside = nodes > 1 && inner > 1 ? ring_bandwidth(make_topology(fabric, inner)) : bandwidth;
  const RingSpan span(n, nodes, bandwidth.bytes_per_second / inside.bytes_per_second);
  const double part = packets(exchange.bytes_per_rank / n, fabric, ideal);
  CollectiveTime cost;
  if (fabric.collectives.empty()) {
    const double hop =
        nodes > 1 ? std::max<double>(fabric.link_latency, fabric.network_latency) : fabric.link_latency.value;
    const double latency = ideal.fixed_cost ? 0.0 : hop;
    cost.seconds = steps * (part / bandwidth.bytes_per_second + latency);
  } else {
    cost = ring_time(collective, span, part * n, bandwidth, read_library(fabric), !ideal.fixed_cost);
  }
  ExchangeResult result;
  result.time = Time::from_seconds(cost.seconds);
  result.protocol = name(cost.protocol);
  // In the switch every device sends its buffer once and one part of the result; in a ring `steps` parts.
  const double sends = cost.protocol == Protocol::nvls ? n + 1 : steps;
  result.bytes = n * sends * part;
  result.messages = n * sends;
  result.bound_seconds = sends * part / bandwidth.bytes_per_second;
  return result;
}

}  // namespace

ExchangeResult exchange_time(const Exchange& exchange, const Substrate& substrate, const Ideal& ideal) {
  const auto collective = collective_by_name(exchange.algorithm);
  if (!collective) throw std::invalid_argument("unknown exchange \"" + exchange.algorithm + "\"");
  if (exchange.devices < 1) throw std::invalid_argument("an exchange needs a device");
  if (*collective != Collective::all_to_all && !exchange.bytes.empty())
    throw std::invalid_argument("exchange " + exchange.name + ": bytes per pair belong to all_to_all");
  const bool idle = exchange.bytes.empty() && !(exchange.bytes_per_rank > 0);
  if (exchange.devices == 1 || idle) return {{}, 0, 0, 0, "links"};
  ExchangeResult result = *collective == Collective::all_to_all ? all_to_all(exchange, substrate.fabric, ideal)
                                                                : ring(*collective, exchange, substrate.fabric, ideal);
  if (ideal.fabric) {
    result.time = {};
    result.bound_seconds = 0;
  }
  return result;
}

}  // namespace sparsesim
