#pragma once
// The fabric as a graph: devices, switches and the cables between them, with shortest-path routes.

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/substrate/substrate.h"
#include "sim/core/units.h"

namespace sparsesim {

/// A fabric that cannot do what is asked of it; one clear line.
struct FabricError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One direction of a cable (parallel cables between the same two nodes are one trunk).
struct LinkEdge {
  int from = 0, to = 0;  // node numbers: devices first, then switches
  Bandwidth bandwidth;   // payload per second
  Time latency;
};

/// What a message uses of one link: `share` of its bytes cross it (below 1 where equal routes split the message).
struct LinkUse {
  int link = 0;
  double share = 1;
};

/// Devices 0..devices-1 and switches behind them. Build it, then ask for routes. Routes are remembered, so a topology
/// belongs to one thread.
class Topology {
 public:
  /// Errors: std::invalid_argument unless devices >= 1 and switches >= 0.
  Topology(int devices, int switches);
  ~Topology();
  Topology(Topology&&) noexcept;
  Topology& operator=(Topology&&) noexcept;

  int devices() const;
  int switches() const;
  int switch_node(int index) const { return devices() + index; }
  /// "device3" or "switch0", as fabric files write it.
  std::string node_name(int node) const;
  /// A cable with `bandwidth` in each direction. Errors: std::invalid_argument for a node outside the graph, a loop or
  /// a bandwidth that is not positive.
  void add_cable(int a, int b, Bandwidth bandwidth, Time latency);
  const std::vector<LinkEdge>& links() const;

  /// Links used from one device to another: all routes with the fewest hops, split at each node in proportion to the
  /// bandwidth of the next link. Ordered by hop, then by link number, so the same graph always gives the same routes.
  /// Errors: FabricError when there is no route.
  std::vector<LinkUse> route(int from, int to) const;
  /// The same, appended to `uses`. Returns the sum of latencies along the route, the longest where it splits.
  Time append_route(int from, int to, std::vector<LinkUse>& uses) const;
  /// Errors: FabricError naming the first device that device0 cannot reach.
  void check_connected() const;

 private:
  struct Graph;
  std::unique_ptr<Graph> graph_;
};

/// Links of one cable of a builder.
struct CableSpec {
  Bandwidth bandwidth;  // payload per direction
  Time latency;         // of one cable
};

/// Every device on one trunk to one switch: parallel switches that share the load evenly are one node.
Topology make_switch_topology(int devices, CableSpec cable);
/// A cable between every two devices. `cable.bandwidth` is of one cable.
Topology make_mesh_topology(int devices, CableSpec cable);
/// Two levels: `leaves` switches with `devices / leaves` devices each, every leaf joined to `spines` switches so that
/// the uplinks of a leaf carry 1/oversubscription of what its devices can send. Errors: std::invalid_argument unless
/// the devices divide evenly.
Topology make_fat_tree_topology(int devices, int leaves, int spines, double oversubscription, CableSpec cable);
/// The first `devices` devices of the fabric at payload rate (bandwidth x efficiency); the latency of a message is
/// link_latency whatever the number of hops the builder makes of it.
/// Over several nodes each device has, besides the links inside its node, one cable to its rail: the switch that joins
/// the devices of its number in all nodes. What goes to another number crosses a node's own links first or last.
/// Errors: FabricError when the fabric joins fewer devices, has no links, or does not connect them.
Topology make_topology(const Fabric& fabric, int devices);
/// Nodes that the first `devices` devices lie on, and devices of a node.
int nodes_of(const Fabric& fabric, int devices);
int devices_of_node(const Fabric& fabric);

}  // namespace sparsesim
