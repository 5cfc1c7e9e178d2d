#pragma once
// The hold model: N events pending, each step pops the first, touches some state and pushes another. What a pending set
// costs, without a model around it.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "sim/core/simulation.h"

namespace sparsesim::bench {

/// Draws an increment with one look-up, alike for all engines: 2048 quantiles (8 KiB) plus a jitter of 127 ps.
struct Increments {
  std::vector<std::uint32_t> table;  // [2048], ps
  std::uint64_t jitter = 127;        // mask; 0 for ticks
  std::uint64_t draw(std::uint64_t bits) const { return table[bits & 2047] + ((bits >> 32) & jitter); }
};

inline Increments make_increments(const std::string& name) {
  Increments increments;
  static constexpr std::uint32_t ticks[12] = {1, 2, 3, 7, 12, 30, 55, 90, 140, 250, 400, 600};
  for (int i = 0; i < 2048; ++i) {
    const double u = (i + 0.5) / 2048;
    double ps = 0;
    if (name == "exp") ps = -1e6 * std::log1p(-u);
    if (name == "uniform") ps = 2e6 * u;
    if (name == "bimodal") ps = u < 0.9 ? 0.95238e6 * (u / 0.9) : 0.95238e6 * (10 * (u - 0.9) + 9.5);  // mean about 1e6
    if (name == "zero50") ps = u < 0.5 ? 0 : -2e6 * std::log1p(-(u - 0.5) * 2);
    if (name == "ticks") ps = ticks[i % 12];
    increments.table.push_back(static_cast<std::uint32_t>(ps));
  }
  if (name == "ticks" || name == "zero50") increments.jitter = 0;
  return increments;
}

/// splitmix64: one word of state, so that it costs every engine the same few instructions wherever the state is kept.
struct Bits {
  std::uint64_t state = 12345;
  std::uint64_t bits() {
    std::uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
};

/// The handler's world, alike for all engines.
struct HoldState {
  explicit HoldState(const std::string& increments_name) : increments(make_increments(increments_name)) {}
  Increments increments;
  Bits random;
  std::vector<std::uint64_t> processes = std::vector<std::uint64_t>(4096);  // 32 KiB
  std::uint64_t order_hash = 0;
  std::int64_t left = 0;
  std::uint32_t sequence =
      0;  // pushes so far: as an event's id it makes (time, id) and (time, order of pushing) the same

  /// Handles one event: order-sensitive hash, a touch of the process, the next increment.
  std::uint64_t handle(std::uint64_t time_ps, std::uint64_t process) {
    order_hash = (order_hash ^ time_ps ^ (process << 48)) * 0x9E3779B97F4A7C15u;
    const std::uint64_t bits = random.bits();
    processes[process] += bits;
    return increments.draw(bits);
  }
};

/// BasicSimulation over any queue.
template <class Queue>
class KernelHold {
 public:
  explicit KernelHold(const std::string& increments) : state(increments) {}
  void fill(std::int64_t pending) {
    for (std::int64_t i = 0; i < pending; ++i) {
      const std::uint64_t bits = state.random.bits();
      simulation_.at({static_cast<std::int64_t>(state.increments.draw(bits))}, 0, state.sequence++, bits >> 52);
    }
  }
  void run(std::int64_t holds) {
    for (state.left = holds; state.left > 0; --state.left) {
      simulation_.step([&](const Event& event) {
        switch (event.kind) {
          case 0: {
            const std::uint64_t delay = state.handle(event.time_ps, event.arg);
            simulation_.after({static_cast<std::int64_t>(delay)}, 0, state.sequence++, event.arg);
            break;
          }
          default:
            fail("an event of an unknown kind");
        }
      });
    }
  }
  HoldState state;

 private:
  BasicSimulation<Queue> simulation_;
};

/// What most hand-written simulators do: closures of 24 bytes in a std::priority_queue, moved out of top().
class FunctionHold {
 public:
  explicit FunctionHold(const std::string& increments) : state(increments) {}
  void fill(std::int64_t pending) {
    for (std::int64_t i = 0; i < pending; ++i) {
      const std::uint64_t bits = state.random.bits();
      push(state.increments.draw(bits), bits >> 52);
    }
  }
  void run(std::int64_t holds) {
    for (state.left = holds; state.left > 0; --state.left) {
      Entry entry = std::move(const_cast<Entry&>(queue_.top()));
      queue_.pop();
      now_ = entry.time;
      entry.action();
    }
  }
  HoldState state;

 private:
  struct Entry {
    std::uint64_t time, sequence;
    std::function<void()> action;
    bool operator<(const Entry& other) const {
      return time != other.time ? time > other.time : sequence > other.sequence;
    }
  };
  void push(std::uint64_t time, std::uint64_t process) {
    queue_.push({time, state.sequence, [this, time, process] { push(now_ + state.handle(time, process), process); }});
    ++state.sequence;
  }
  std::priority_queue<Entry> queue_;
  std::uint64_t now_ = 0;
};

/// A std::priority_queue of plain 32-byte values and a switch: the careful hand-written simulator.
class PodHold {
 public:
  explicit PodHold(const std::string& increments) : state(increments) {}
  void fill(std::int64_t pending) {
    for (std::int64_t i = 0; i < pending; ++i) {
      const std::uint64_t bits = state.random.bits();
      queue_.push({state.increments.draw(bits), state.sequence++, 0, bits >> 52});
    }
  }
  void run(std::int64_t holds) {
    for (state.left = holds; state.left > 0; --state.left) {
      const Entry entry = queue_.top();
      queue_.pop();
      switch (entry.kind) {
        case 0:
          queue_.push({entry.time + state.handle(entry.time, entry.process), state.sequence++, 0, entry.process});
          break;
        default:
          fail("an event of an unknown kind");
      }
    }
  }
  HoldState state;

 private:
  struct Entry {
    std::uint64_t time, sequence, kind, process;
    bool operator<(const Entry& other) const {
      return time != other.time ? time > other.time : sequence > other.sequence;
    }
  };
  std::priority_queue<Entry> queue_;
};

/// No order at all: a ring. The floor under every engine, and a probe of the processor's pace.
class RingHold {
 public:
  explicit RingHold(const std::string& increments) : state(increments) {}
  void fill(std::int64_t pending) {
    for (std::int64_t i = 0; i < pending; ++i) {
      const std::uint64_t bits = state.random.bits();
      ring_.push_back({state.increments.draw(bits), 0, state.sequence++, bits >> 52});
    }
  }
  void run(std::int64_t holds) {
    for (state.left = holds; state.left > 0; --state.left) {
      Event& event = ring_[next_];
      event.time_ps += state.handle(event.time_ps, event.arg);
      if (++next_ == ring_.size()) next_ = 0;
    }
  }
  HoldState state;

 private:
  std::vector<Event> ring_;
  std::size_t next_ = 0;
};

}  // namespace sparsesim::bench
