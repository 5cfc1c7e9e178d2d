#include "models/network/collectives.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace sparsesim {
namespace {

constexpr std::array<std::string_view, 4> kCollectives{"all_to_all", "all_gather", "reduce_scatter", "all_reduce"};
constexpr std::array<std::string_view, 5> kProtocols{"ll", "ll128", "simple", "nvls", "links"};

double saturating(double a, double b) { return a + b > 0 ? a * b / (a + b) : 0; }

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

Protocol choose_protocol(Collective collective, int devices, double bytes, const LibraryConstants& library) {
  const int steps = ring_steps(collective, devices);
  const auto ring = [&](const LibraryConstants::Choice& c) {
    return c.base + c.step * steps + bytes * steps / (c.bandwidth * devices);
  };
  Protocol best = Protocol::ll;
  double least = ring(library.choose_ll);
  const auto consider = [&](Protocol protocol, double seconds) {
    if (seconds >= least) return;
    least = seconds;
    best = protocol;
  };
  if (library.has_ll128) consider(Protocol::ll128, ring(library.choose_ll128));
  consider(Protocol::simple, ring(library.choose_simple));
  if (library.has_nvls && collective == Collective::all_reduce && devices > 2)
    consider(Protocol::nvls, library.choose_nvls.base + bytes / library.choose_nvls.bandwidth);
  return best;
}

CollectiveTime ring_time(Collective collective, int devices, double bytes, Bandwidth bandwidth,
                         const LibraryConstants& c, bool fixed) {
  const int steps = ring_steps(collective, devices);
  const double part = bytes / devices, on = fixed ? 1.0 : 0.0;
  const auto send = [&](const RingProtocol& p) { return part / (p.efficiency * bandwidth.bytes_per_second); };
  const double copied = part / c.copy;
  const Protocol protocol = choose_protocol(collective, devices, bytes, c);
  switch (protocol) {
    case Protocol::ll: {
      const double wide = (c.wide_base + c.wide_step * (devices - 1)) * std::max(0.0, 1 - c.wide_bytes / part);
      return {on * (c.ll.base + wide) + steps * std::hypot(on * c.ll.step, send(c.ll)) + copied, protocol};
    }
    case Protocol::ll128:
      return {on * c.ll128.base + steps * std::hypot(on * c.ll128.step, send(c.ll128)) + copied, protocol};
    case Protocol::nvls: {
      const double stream = (devices + 1) * send(c.nvls);
      return {on * c.nvls.base + stream + saturating(c.nvls_fill * stream, c.nvls_fill_most), protocol};
    }
    default: {
      const double stream = steps * send(c.simple);
      return {on * (c.simple.base + c.simple.step * (devices - 1)) + stream + saturating(c.fill * stream, c.fill_most) +
                  copied,
              protocol};
    }
  }
}

CollectiveTime point_to_point_time(double largest, int peers, double own, double stream_seconds,
                                   const LibraryConstants& c, bool fixed) {
  const double on = fixed ? 1.0 : 0.0;
  const double stream = stream_seconds / c.p2p_efficiency, partners = c.p2p_peer * peers;
  if (largest <= c.p2p_ll_most)
    return {on * (c.p2p_ll_base + partners) + std::max(largest / c.p2p_ll_channel, stream), Protocol::ll};
  const double channel = std::min(largest, c.p2p_part) / c.p2p_simple_channel;
  const double moved = stream + own / c.copy + saturating(c.p2p_fill * stream, c.p2p_fill_most);
  return {on * (c.p2p_simple_base + partners) + std::hypot(channel, moved), Protocol::simple};
}

}  // namespace sparsesim
