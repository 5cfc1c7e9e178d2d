#include "models/network/collectives.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace sparsesim {
namespace {

constexpr std::array<std::string_view, 4> kCollectives{"all_to_all", "all_gather", "reduce_scatter", "all_reduce"};
constexpr std::array<std::string_view, 8> kProtocols{"ll",    "ll128",   "simple",     "nvls",
                                                     "links", "ll_tree", "ll128_tree", "simple_tree"};

double saturating(double a, double b) { return a + b > 0 ? a * b / (a + b) : 0; }

/// Sends of a ring that stay inside a node and those that leave it; a tree's levels alike.
struct Steps {
  int inside = 0, across = 0;
};

Steps ring_split(Collective collective, const RingSpan& span) {
  const int steps = ring_steps(collective, span.devices);
  const int across = (span.nodes - 1) * (collective == Collective::all_reduce ? 2 : 1);
  return {steps - across, across};
}

/// Up and down: a chain inside each node, a binary tree over the nodes.
Steps tree_split(const RingSpan& span) {
  const int levels = static_cast<int>(std::ceil(std::log2(span.nodes)));
  return {2 * ((span.devices + span.nodes - 1) / span.nodes - 1), 2 * levels};
}

bool takes_trees(Collective collective, const RingSpan& span) {
  return collective == Collective::all_reduce && span.nodes > 1;
}

double tree_time(const RingSpan& span, double bytes, Bandwidth bandwidth, const LibraryConstants& c,
                 const RingProtocol& protocol, bool fixed) {
  const Steps steps = tree_split(span);
  const double stream = 2 * bytes / (c.tree_share * protocol.efficiency * bandwidth.bytes_per_second);
  const double latency = protocol.base + steps.inside * protocol.step + steps.across * protocol.network_step;
  return (fixed ? latency : 0.0) + stream;
}

}  // namespace

std::string_view name(Collective collective) { return kCollectives[static_cast<std::size_t>(collective)]; }
std::string_view name(Protocol protocol) { return kProtocols[static_cast<std::size_t>(protocol)]; }

std::optional<Collective> collective_by_name(std::string_view name) {
  const auto found = std::find(kCollectives.begin(), kCollectives.end(), name);
  if (found == kCollectives.end()) return std::nullopt;
  return static_cast<Collective>(found - kCollectives.begin());
}

int ring_steps(Collective collective, int devices) {
  return collective == Collective::all_reduce ? 2 * (devices - 1) : devices - 1;
}

Protocol choose_protocol(Collective collective, RingSpan span, double bytes, const LibraryConstants& library) {
  const int steps = ring_steps(collective, span.devices);
  const Steps split = ring_split(collective, span), levels = tree_split(span);
  const auto ring = [&](const LibraryConstants::Choice& c, const RingProtocol& p) {
    return c.base + c.step * split.inside + p.network_step * split.across +
           bytes * steps / (c.bandwidth * span.narrowing * span.devices);
  };
  const auto tree = [&](const LibraryConstants::Choice& c, const RingProtocol& p) {
    return c.base + c.step * levels.inside + p.network_step * levels.across +
           2 * bytes / (library.tree_share * c.bandwidth * span.narrowing);
  };
  Protocol best = Protocol::ll;
  double least = ring(library.choose_ll, library.ll);
  const auto consider = [&](Protocol protocol, double seconds) {
    if (seconds >= least) return;
    least = seconds;
    best = protocol;
  };
  if (library.has_ll128) consider(Protocol::ll128, ring(library.choose_ll128, library.ll128));
  consider(Protocol::simple, ring(library.choose_simple, library.simple));
  if (library.has_nvls && collective == Collective::all_reduce && span.devices > 2 && span.nodes == 1)
    consider(Protocol::nvls, library.choose_nvls.base + bytes / library.choose_nvls.bandwidth);
  if (takes_trees(collective, span)) {
    consider(Protocol::ll_tree, tree(library.choose_ll, library.ll));
    if (library.has_ll128) consider(Protocol::ll128_tree, tree(library.choose_ll128, library.ll128));
    consider(Protocol::simple_tree, tree(library.choose_simple, library.simple));
  }
  return best;
}

CollectiveTime ring_time(Collective collective, RingSpan span, double bytes, Bandwidth bandwidth,
                         const LibraryConstants& c, bool fixed) {
  const int devices = span.devices, steps = ring_steps(collective, devices);
  const Steps split = ring_split(collective, span);
  const double part = bytes / devices, on = fixed ? 1.0 : 0.0;
  const auto send = [&](const RingProtocol& p) { return part / (p.efficiency * bandwidth.bytes_per_second); };
  const auto sends = [&](const RingProtocol& p) {
    return split.inside * std::hypot(on * p.step, send(p)) + split.across * std::hypot(on * p.network_step, send(p));
  };
  const double copied = part / c.copy;
  const Protocol protocol = choose_protocol(collective, span, bytes, c);
  switch (protocol) {
    case Protocol::ll: {
      const double wide = (c.wide_base + c.wide_step * (devices - 1)) * std::max(0.0, 1 - c.wide_bytes / part);
      return {on * (c.ll.base + wide) + sends(c.ll) + copied, protocol};
    }
    case Protocol::ll128:
      return {on * c.ll128.base + sends(c.ll128) + copied, protocol};
    case Protocol::ll_tree:
      return {tree_time(span, bytes, bandwidth, c, c.ll, fixed), protocol};
    case Protocol::ll128_tree:
      return {tree_time(span, bytes, bandwidth, c, c.ll128, fixed), protocol};
    case Protocol::simple_tree: {
      const double stream = tree_time(span, bytes, bandwidth, c, c.simple, false);
      return {tree_time(span, bytes, bandwidth, c, c.simple, fixed) + saturating(c.fill * stream, c.fill_most),
              protocol};
    }
    case Protocol::nvls: {
      const double stream = (devices + 1) * send(c.nvls);
      return {on * c.nvls.base + stream + saturating(c.nvls_fill * stream, c.nvls_fill_most), protocol};
    }
    default: {
      const double stream = steps * send(c.simple);
      const double latency = c.simple.step * (devices - span.nodes) + c.simple.network_step * split.across;
      return {on * (c.simple.base + latency) + stream + saturating(c.fill * stream, c.fill_most) + copied, protocol};
    }
  }
}

CollectiveTime point_to_point_time(double largest, int peers, double own, double stream_seconds,
                                   const LibraryConstants& c, bool fixed, int nodes) {
  const double on = fixed ? 1.0 : 0.0;
  const double partners = c.p2p_peer * peers + (nodes > 1 ? c.p2p_network_base : 0);
  const double stream = stream_seconds / c.p2p_efficiency;
  if (largest <= c.p2p_ll_most)
    return {on * (c.p2p_ll_base + partners) + std::max(largest / c.p2p_ll_channel, stream), Protocol::ll};
  const double channel = std::min(largest, c.p2p_part) / c.p2p_simple_channel;
  const double moved = stream + own / c.copy + saturating(c.p2p_fill * stream, c.p2p_fill_most);
  return {on * (c.p2p_simple_base + partners) + std::hypot(channel, moved), Protocol::simple};
}

}  // namespace sparsesim
