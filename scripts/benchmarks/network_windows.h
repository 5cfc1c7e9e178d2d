#pragma once
// The network of network.h in lookahead windows: no event reaches another within less than the smallest delay, so all
// arrivals of one kind inside a window of that length can be sorted and served together.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "scripts/benchmarks/network.h"
#include "sim/core/fifo_server.h"

namespace sparsesim::bench {

/// Arrivals of one kind, by window: a ring of unsorted lists, each sorted by (time, id) when its window comes.
class WindowedArrivals {
 public:
  struct Arrival {
    std::int64_t time_ps;
    std::uint32_t id;
    bool operator<(const Arrival& other) const {
      return time_ps != other.time_ps ? time_ps < other.time_ps : id < other.id;
    }
  };
  void add(std::int64_t time_ps, std::uint32_t id) {
    const auto window = static_cast<std::size_t>(time_ps / window_ps);
    require(window < current_ + ring_.size(), "an arrival beyond the ring of windows");
    ring_[window % ring_.size()].push_back({time_ps, id});
    ++pending_;
  }
  /// The arrivals of window `window`, sorted; valid until the next call.
  const std::vector<Arrival>& take(std::size_t window) {
    current_ = window;
    taken_.clear();
    taken_.swap(ring_[window % ring_.size()]);
    std::sort(taken_.begin(), taken_.end());
    pending_ -= static_cast<std::int64_t>(taken_.size());
    return taken_;
  }
  std::int64_t pending() const { return pending_; }

  static constexpr std::int64_t window_ps = NetworkSpec::to_channel_ps;  // the smallest delay between two events

 private:
  std::vector<std::vector<Arrival>> ring_ = std::vector<std::vector<Arrival>>(1024);
  std::vector<Arrival> taken_;
  std::size_t current_ = 0;
  std::int64_t pending_ = 0;
};

/// The same results as run_analytic, bit for bit, while requests are unlimited or the order of issue decides who gets
/// the last.
inline NetworkResult run_windows(const NetworkSpec& spec, std::int64_t requests) {
  NetworkResult result;
  std::vector<Flight> flights(spec.population());
  std::vector<FifoServer> banks(spec.banks), channels(spec.channels);
  WindowedArrivals issues, channel_arrivals;
  for (std::uint32_t id = 0; id < spec.population(); ++id) issues.add(draw_request(id, ~0u).think_ps, id);
  for (std::size_t window = 0; issues.pending() + channel_arrivals.pending() > 0; ++window) {
    for (const auto& [now, id] : issues.take(window)) {
      if (requests == 0) continue;
      --requests;
      Flight& flight = flights[id];
      flight = {now, flight.turn, draw_request(id, flight.turn)};
      ++flight.turn;
      const Request& request = flight.request;
      const Time done = banks[request.bank].serve(Time{now + NetworkSpec::to_bank_ps},
                                                  Time{request.sectors * NetworkSpec::bank_sector_ps});
      channel_arrivals.add(done.ps + NetworkSpec::to_channel_ps, id);
    }
    for (const auto& [now, id] : channel_arrivals.take(window)) {
      const Flight& flight = flights[id];
      const Request& request = flight.request;
      const Time done =
          channels[request.channel].serve(Time{now}, Time{request.sectors * NetworkSpec::channel_sector_ps});
      const std::int64_t back_at = done.ps + NetworkSpec::dram_ps + NetworkSpec::back_ps;
      result.complete(id, flight.issued_ps, back_at);
      issues.add(back_at + request.think_ps, id);
    }
  }
  return result;
}

}  // namespace sparsesim::bench
