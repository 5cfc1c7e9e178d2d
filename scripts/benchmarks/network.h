#pragma once
// A closed network like an accelerator's memory system: 132 SMs with W requests each, 80 L2 banks, then 40 HBM
// channels.

#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "sim/core/fifo_server.h"
#include "sim/core/simulation.h"

namespace sparsesim::bench {

struct NetworkSpec {
  int sms = 132;
  int requests_per_sm = 4;
  static constexpr std::uint32_t banks = 80, channels = 40;
  static constexpr std::int64_t to_bank_ps = 110'000, to_channel_ps = 60'000, dram_ps = 250'000, back_ps = 140'000;
  static constexpr std::int64_t bank_sector_ps = 811, channel_sector_ps = 1531;  // per sector of 32 B
  std::uint32_t population() const { return static_cast<std::uint32_t>(sms * requests_per_sm); }
};

/// The draws of a request depend only on who it is, never on the order of events: so variants can be compared exactly.
struct Request {
  std::uint32_t bank, channel;
  std::int64_t sectors, think_ps;
};
inline Request draw_request(std::uint32_t id, std::uint32_t turn) {
  std::uint64_t x = (std::uint64_t{id} << 32 | turn) * 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93u;
  x ^= x >> 32;
  const auto scaled = [](std::uint64_t bits16, std::uint64_t n) { return (bits16 & 0xFFFF) * n >> 16; };
  return {static_cast<std::uint32_t>(scaled(x, NetworkSpec::banks)),
          static_cast<std::uint32_t>(scaled(x >> 16, NetworkSpec::channels)),
          1 + static_cast<std::int64_t>((x >> 32) & 3), 20'000 + static_cast<std::int64_t>(scaled(x >> 40, 65'000))};
}

/// Sum over all requests of a hash of (id, issued, completed): equal only if every request has the same times.
struct NetworkResult {
  std::uint64_t hash = 0;
  std::int64_t completed = 0;
  std::int64_t latency_ps = 0;  // summed
  void complete(std::uint32_t id, std::int64_t issued_ps, std::int64_t completed_ps) {
    std::uint64_t x = (std::uint64_t{id} << 40) ^ static_cast<std::uint64_t>(issued_ps);
    x = (x ^ (x >> 29)) * 0xBF58476D1CE4E5B9u ^ static_cast<std::uint64_t>(completed_ps);
    hash += (x ^ (x >> 31)) * 0x94D049BB133111EBu;
    latency_ps += completed_ps - issued_ps;
    ++completed;
  }
};

/// Per request state while it is on its way.
struct Flight {
  std::int64_t issued_ps = 0;
  std::uint32_t turn = 0;
  Request request{};
};

/// Textbook: an arrival and a completion event at each server and an explicit queue, 6 events per request.
/// Schedule provides now_ps() and schedule(time_ps, kind, id).
enum Hop : std::uint32_t { issue, bank_arrival, bank_done, channel_arrival, channel_done, back };

template <class Schedule>
class TextbookNetwork {
 public:
  TextbookNetwork(Schedule& schedule, const NetworkSpec& spec, std::int64_t requests)
      : schedule_(schedule),
        flights_(spec.population()),
        banks_(spec.banks),
        channels_(spec.channels),
        to_issue_(requests) {
    for (std::uint32_t id = 0; id < spec.population(); ++id)
      schedule.schedule(draw_request(id, ~0u).think_ps, issue, id);
  }
  void handle(std::uint32_t hop, std::uint32_t id) {
    Flight& flight = flights_[id];
    const Request& request = flight.request;
    const std::int64_t now = schedule_.now_ps();
    switch (hop) {
      case issue:
        if (to_issue_ == 0) return;
        --to_issue_;
        flight = {now, flight.turn, draw_request(id, flight.turn)};
        ++flight.turn;
        return schedule_.schedule(now + NetworkSpec::to_bank_ps, bank_arrival, id);
      case bank_arrival:
        return arrive(banks_[request.bank], bank_done, id, now + request.sectors * NetworkSpec::bank_sector_ps);
      case bank_done:
        start_next(banks_[request.bank], bank_done, NetworkSpec::bank_sector_ps);
        return schedule_.schedule(now + NetworkSpec::to_channel_ps, channel_arrival, id);
      case channel_arrival:
        return arrive(channels_[request.channel], channel_done, id,
                      now + request.sectors * NetworkSpec::channel_sector_ps);
      case channel_done:
        start_next(channels_[request.channel], channel_done, NetworkSpec::channel_sector_ps);
        return schedule_.schedule(now + NetworkSpec::dram_ps + NetworkSpec::back_ps, back, id);
      default:
        result.complete(id, flight.issued_ps, now);
        return schedule_.schedule(now + request.think_ps, issue, id);
    }
  }
  NetworkResult result;

 private:
  struct Server {
    std::deque<std::uint32_t> waiting;
    bool busy = false;
  };
  void arrive(Server& server, Hop done, std::uint32_t id, std::int64_t end_ps) {
    if (server.busy) return server.waiting.push_back(id);
    server.busy = true;
    schedule_.schedule(end_ps, done, id);
  }
  void start_next(Server& server, Hop done, std::int64_t sector_ps) {
    if (server.waiting.empty()) {
      server.busy = false;
      return;
    }
    const std::uint32_t next = server.waiting.front();
    server.waiting.pop_front();
    schedule_.schedule(schedule_.now_ps() + flights_[next].request.sectors * sector_ps, done, next);
  }
  Schedule& schedule_;
  std::vector<Flight> flights_;
  std::vector<Server> banks_, channels_;
  std::int64_t to_issue_;
};

/// One closure per hop in a std::priority_queue, ties by (time, id) as everywhere.
class FunctionSchedule {
 public:
  std::int64_t now_ps() const { return now_ps_; }
  void schedule(std::int64_t time_ps, std::uint32_t hop, std::uint32_t id) {
    queue_.push({time_ps, id, [this, hop, id] { network->handle(hop, id); }});
  }
  void run() {
    while (!queue_.empty()) {
      Entry entry = std::move(const_cast<Entry&>(queue_.top()));
      queue_.pop();
      now_ps_ = entry.time_ps;
      entry.action();
    }
  }
  TextbookNetwork<FunctionSchedule>* network = nullptr;

 private:
  struct Entry {
    std::int64_t time_ps;
    std::uint64_t id;
    std::function<void()> action;
    bool operator<(const Entry& other) const {
      return time_ps != other.time_ps ? time_ps > other.time_ps : id > other.id;
    }
  };
  std::priority_queue<Entry> queue_;
  std::int64_t now_ps_ = 0;
};

/// Plain values in any queue of this project.
template <class Queue>
class KernelSchedule {
 public:
  std::int64_t now_ps() const { return simulation_.now().ps; }
  void schedule(std::int64_t time_ps, std::uint32_t hop, std::uint32_t id) { simulation_.at({time_ps}, hop, id); }
  void run() {
    simulation_.run([&](const Event& event) { network->handle(event.kind, event.id); });
  }
  TextbookNetwork<KernelSchedule>* network = nullptr;

 private:
  BasicSimulation<Queue> simulation_;
};

template <class Schedule>
NetworkResult run_textbook(const NetworkSpec& spec, std::int64_t requests) {
  Schedule schedule;
  TextbookNetwork<Schedule> network(schedule, spec, requests);
  schedule.network = &network;
  schedule.run();
  return network.result;
}

/// Analytic servers, the first hop folded into the issue: 2 events per request, the same times to the picosecond.
template <class Queue>
NetworkResult run_analytic(const NetworkSpec& spec, std::int64_t requests) {
  BasicSimulation<Queue> simulation;
  NetworkResult result;
  std::vector<Flight> flights(spec.population());
  std::vector<FifoServer> banks(spec.banks), channels(spec.channels);
  for (std::uint32_t id = 0; id < spec.population(); ++id) simulation.at({draw_request(id, ~0u).think_ps}, issue, id);
  simulation.run([&](const Event& event) {
    const Time now = simulation.now();
    Flight& flight = flights[event.id];
    if (event.kind == issue) {
      if (requests == 0) return;
      --requests;
      flight = {now.ps, flight.turn, draw_request(event.id, flight.turn)};
      ++flight.turn;
      const Request& request = flight.request;
      const Time done = banks[request.bank].serve(now + Time{NetworkSpec::to_bank_ps},
                                                  Time{request.sectors * NetworkSpec::bank_sector_ps});
      simulation.at(done + Time{NetworkSpec::to_channel_ps}, channel_arrival, event.id);
    } else {
      const Request& request = flight.request;
      const Time done = channels[request.channel].serve(now, Time{request.sectors * NetworkSpec::channel_sector_ps});
      const Time back_at = done + Time{NetworkSpec::dram_ps + NetworkSpec::back_ps};
      result.complete(event.id, flight.issued_ps, back_at.ps);
      simulation.at(back_at + Time{request.think_ps}, issue, event.id);
    }
  });
  return result;
}

}  // namespace sparsesim::bench
