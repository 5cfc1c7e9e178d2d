#pragma once
// The collective library: which protocol it chooses for a message size, and what that protocol costs.

#include <optional>
#include <string_view>

#include "models/network/topology.h"

namespace sparsesim {

enum class Collective { all_to_all, all_gather, reduce_scatter, all_reduce };
std::string_view name(Collective collective);
std::optional<Collective> collective_by_name(std::string_view name);

/// Protocols of the library: small lines with a flag (ll), 128-byte lines with a flag (ll128), plain stores with a
/// fence per slot (simple), reduction inside the switch (nvls); over nodes the first three also along trees. `links`:
/// no library, bare links.
enum class Protocol { ll, ll128, simple, nvls, links, ll_tree, ll128_tree, simple_tree };
std::string_view name(Protocol protocol);

/// How a collective lies on the fabric.
struct RingSpan {
  int devices = 1;
  int nodes = 1;         // that the devices are spread over evenly
  double narrowing = 1;  // what a device sends to its neighbour over what it would send inside one node
  RingSpan(int on_devices, int on_nodes = 1, double narrowed = 1)  // NOLINT: a number of devices is a span of one node
      : devices(on_devices), nodes(on_nodes), narrowing(narrowed) {}
};

/// Sends that one rank makes to its neighbour in a ring of `devices`: devices - 1, twice that for all_reduce.
int ring_steps(Collective collective, int devices);

/// Constants of the library in SI units, read by name from Fabric::collectives (docs/models/collectives.md).
struct RingProtocol {
  double base = 0;          // s per call
  double step = 0;          // s per send of the ring
  double efficiency = 0;    // share of the payload bandwidth
  double network_step = 0;  // s per send into another node
};
struct LibraryConstants {
  RingProtocol ll, ll128, simple, nvls;  // simple.step and nvls.step: per neighbour and unused
  bool has_ll128 = false, has_nvls = false;
  double wide_base = 0, wide_step = 0, wide_bytes = 0;  // ll with more than one channel
  double fill = 0, fill_most = 0;                       // simple: slots that are not yet streaming
  double nvls_fill = 0, nvls_fill_most = 0;
  double copy = 0;  // B/s, own part from one buffer to the other
  double p2p_ll_base = 0, p2p_simple_base = 0, p2p_peer = 0;
  double p2p_ll_channel = 0, p2p_simple_channel = 0;  // B/s of one channel
  double p2p_ll_most = 0, p2p_part = 0;               // B
  double p2p_efficiency = 0, p2p_fill = 0, p2p_fill_most = 0;
  double tree_share = 1;        // of the rate of rings that trees reach
  double p2p_network_base = 0;  // s per all-to-all over nodes
  struct Choice {               // the library's own estimate, which decides
    double base = 0, step = 0, bandwidth = 0;
  };
  Choice choose_ll, choose_ll128, choose_simple, choose_nvls;
};
/// Errors: FabricError naming a constant that is missing or unknown.
LibraryConstants read_library(const Fabric& fabric);

/// What one call costs, in seconds.
struct CollectiveTime {
  double seconds = 0;
  Protocol protocol = Protocol::links;
};

/// The protocol whose estimate base + step * ring_steps + bytes / (bandwidth * devices / ring_steps) is smallest.
/// Source: the structure and constants of NCCL's tuner; nvls: base + bytes / bandwidth, all_reduce among 3 or more in
/// one node. Over nodes `across` of the steps are network steps: nodes - 1, twice that for all_reduce; bandwidths
/// shrink by `narrowing`, and an all_reduce may take a tree: base + 2 ((devices / nodes - 1) step + log2(nodes)
/// network_step)
/// + 2 bytes / (tree_share * bandwidth), log2 rounded up.
Protocol choose_protocol(Collective collective, RingSpan span, double bytes, const LibraryConstants& library);

/// A ring (or in-switch) collective of `bytes` per rank among `devices`, where `bandwidth` is what each device sends to
/// its neighbour while all do (payload). With x = bytes / devices, s = ring_steps, copied = x / copy:
///   ll      base + wide + s * hypot(step, x / (efficiency * bandwidth)) + copied
///           wide = (wide_base + wide_step * (devices - 1)) * max(0, 1 - wide_bytes / x)
///   ll128   base + s * hypot(step, x / (efficiency * bandwidth)) + copied
///   simple  base + step * (devices - 1) + stream + saturating(fill * stream, fill_most) + copied,
///           stream = s * x / (efficiency * bandwidth), saturating(a, b) = a * b / (a + b)
///   nvls    base + stream + saturating(nvls_fill * stream, nvls_fill_most), stream = (devices + 1) * x / (efficiency *
///   bandwidth)
/// `fixed` false leaves out base, step and wide. Over nodes as for choose_protocol: network steps in place of `across`
/// of the steps, trees with stream = 2 bytes / (tree_share * efficiency * bandwidth).
CollectiveTime ring_time(Collective collective, RingSpan span, double bytes, Bandwidth bandwidth,
                         const LibraryConstants& library, bool fixed = true);

/// An all-to-all by sends and receives: `largest` is the biggest message, `peers` the most partners that one device
/// has, `own` the most bytes that a device keeps, `stream_seconds` what the links need at efficiency 1 (flows.h).
///   largest <= p2p_ll_most: base + peer * peers + max(largest / ll_channel, stream)
///   else base + peer * peers + hypot(min(largest, part) / channel, stream + own / copy + saturating(fill * stream,
///   fill_most))
/// with stream = stream_seconds / efficiency. Over nodes p2p_network_base comes on top.
CollectiveTime point_to_point_time(double largest, int peers, double own, double stream_seconds,
                                   const LibraryConstants& library, bool fixed = true, int nodes = 1);

}  // namespace sparsesim
