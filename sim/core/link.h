#pragma once
// A wire: bandwidth, then latency.

#include "sim/core/fifo_server.h"

namespace sparsesim {

struct LinkSpec {
  Bandwidth bandwidth;
  Time latency;
};

struct LinkStats {
  std::int64_t messages = 0;
  Bytes payload;
  Time busy;
  Time waited;

  void visit(auto&& f) {
    f("messages", messages, "count", "messages accepted");
    f("payload", payload, "B", "bytes carried");
    f("busy", busy, "ps", "time the wire was occupied");
    f("waited", waited, "ps", "time from arrival to the first byte on the wire, summed over the messages");
  }
};

/// Carries messages one after the other. delivered = FIFO end of bytes / bandwidth + latency; bandwidth may be
/// infinite. n messages back to back take ceil(n * bytes / bandwidth): the fraction of a picosecond is carried, not
/// rounded away. Errors: SimulationError for arrivals that go back in time; std::overflow_error for a bandwidth of
/// zero.
class Link {
 public:
  explicit Link(LinkSpec spec) : spec_(spec), ps_per_byte_(1e12 / spec.bandwidth.bytes_per_second) {
    require(spec.latency.ps >= 0, "a latency is not negative");
  }
  struct Passage {
    Time released;   // the wire is free for the next message
    Time delivered;  // the last byte has arrived
  };
  Passage send(Time arrival, Bytes bytes) {
    const Time released = wire_.serve(arrival, fine_ps(static_cast<double>(bytes.count) * ps_per_byte_));
    payload_ += bytes;
    return {released, released + spec_.latency};
  }
  Time next_free() const { return wire_.next_free(); }
  const LinkSpec& spec() const { return spec_; }
  LinkStats stats() const { return {wire_.stats.requests, payload_, wire_.stats.busy, wire_.stats.waited}; }

 private:
  LinkSpec spec_;
  double ps_per_byte_;
  FifoServer wire_;
  Bytes payload_;
};

}  // namespace sparsesim
