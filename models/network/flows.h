#pragma once
// Many messages at once over shared links, as fluid flows at max-min fair rates, played on the event queue.

#include <vector>

#include "models/network/topology.h"

namespace sparsesim {

struct Message {
  int from = 0, to = 0;  // devices; a message to itself crosses nothing and ends at once
  double bytes = 0;      // payload
};

struct TransferOptions {
  double efficiency = 1;  // share of the link bandwidth that the sender's protocol reaches, 0 < e <= 1
  /// With more classes of flows than this, ends of flows are taken together on a grid of (bound / grid): late, never
  /// early.
  int exact_classes = 1024;
  int grid = 256;
};

struct TransferResult {
  Time drain;                  // until the last byte has left the busiest route, latency apart
  Time time;                   // until the last message has arrived: drain plus the latency of its route
  std::vector<Time> arrivals;  // [messages]
  double bytes = 0;            // that crossed links, each message once
  double messages = 0;         // that crossed links
  double bound_seconds = 0;    // largest over links of bytes / bandwidth (of the link, efficiency apart)
  std::int64_t classes = 0;    // flows that were told apart
  std::int64_t events = 0;
};

/// All messages start at time 0 and share links max-min fairly (max_min.h); rates are worked out anew whenever a flow
/// ends. Flows that are alike (symmetry.h) are played once, so equal messages among all pairs of one switch cost
/// time proportional to their number, with one event.
/// bytes <= 0 crosses nothing. Errors: FabricError for a pair without a route.
TransferResult transfer(const Topology& topology, const std::vector<Message>& messages,
                        const TransferOptions& options = {});

}  // namespace sparsesim
