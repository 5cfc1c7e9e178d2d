#pragma once
// The event loop: a clock, a pending set, and nothing about hardware.

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "sim/core/batch_wheel.h"
#include "sim/core/error.h"
#include "sim/core/event.h"
#include "sim/core/reference_queue.h"
#include "sim/core/tie_shuffle.h"
#include "sim/core/units.h"
#include "sim/core/wait_registry.h"

namespace sparsesim {

struct SimulationOptions {
  /// More events than this at one instant is an error: a model that schedules itself with no delay would never end.
  std::int64_t events_per_instant_max = std::int64_t{1} << 26;
  /// For tests: order ties by a seeded permutation of the ids instead of the ids. Events of one id stay first in first
  /// out.
  bool shuffle_ties = false;
  std::uint64_t shuffle_seed = 0;
};

/// A clock and its future. `Queue` is the pending set (ReferenceQueue says what it must do).
///
/// Handlers are callables `handler(const Event&)`, usually a switch over event.kind; they may schedule freely. Events
/// at one instant come in order of id, then first in first out; an event scheduled for the current instant comes within
/// it. Errors (SimulationError, always on): a time in the past, a time beyond 106 days, too many events at one instant;
/// DeadlockError from run().
template <class Queue>
class BasicSimulation {
 public:
  explicit BasicSimulation(SimulationOptions options = {}) : options_(options), shuffle_(options.shuffle_seed) {}
  BasicSimulation(const BasicSimulation&) = delete;
  BasicSimulation& operator=(const BasicSimulation&) = delete;

  Time now() const { return {now_ps_}; }
  bool empty() const { return queue_.empty(); }
  /// Events scheduled and not yet handled.
  std::int64_t pending() const { return static_cast<std::int64_t>(queue_.size()); }
  /// Events handled since the start or the last reset().
  std::int64_t processed() const { return processed_; }

  /// Schedules an event at `time`, which is now or later.
  void at(Time time, std::uint32_t kind, std::uint32_t id, std::uint64_t arg = 0) {
    if (time.ps < now_ps_) [[unlikely]] {
      fail_past(time);
    }
    push(time.ps, kind, id, arg);
  }
  /// Schedules an event `delay` from now; the delay is not negative.
  void after(Time delay, std::uint32_t kind, std::uint32_t id, std::uint64_t arg = 0) {
    std::int64_t ps = 0;
    if (delay.ps < 0 || __builtin_add_overflow(now_ps_, delay.ps, &ps)) [[unlikely]] {
      fail_delay(delay);
    }
    push(ps, kind, id, arg);
  }

  /// Handles the next event; false when there is none.
  template <class Handler>
  bool step(Handler&& handler) {
    if (queue_.empty()) return false;
    handle_next(handler);
    return true;
  }
  /// Handles events until none is left. Errors: DeadlockError when waits are still open then.
  template <class Handler>
  void run(Handler&& handler) {
    while (!queue_.empty()) handle_next(handler);
    if (!waits_.empty()) fail_deadlock();
  }
  /// Handles all events up to and including `time`, then sets the clock to it.
  template <class Handler>
  void run_until(Time time, Handler&& handler) {
    if (time < now()) fail_past(time);
    const auto last_ps = static_cast<std::uint64_t>(time.ps);
    while (!queue_.empty() && queue_.next_time() <= last_ps) handle_next(handler);
    now_ps_ = time.ps;
  }

  /// Notes that `id` waits for `what` (a text that outlives the wait); close it with done(). See WaitRegistry.
  WaitRegistry::Token expect(std::uint32_t id, std::string_view what) { return waits_.open(id, what); }
  void done(WaitRegistry::Token token) { waits_.close(token); }

  /// Back to time zero with nothing pending, keeping the memory.
  void reset() {
    queue_.reset();
    waits_.reset();
    now_ps_ = 0;
    processed_ = instant_start_ = 0;
  }

 private:
  void push(std::int64_t time_ps, std::uint32_t kind, std::uint32_t id, std::uint64_t arg) {
    if (options_.shuffle_ties) [[unlikely]] {
      id = shuffle_.shuffle(id);
    }
    queue_.push({static_cast<std::uint64_t>(time_ps), kind, id, arg});
  }
  template <class Handler>
  void handle_next(Handler& handler) {
    Event event = queue_.pop();
    if (const auto time_ps = static_cast<std::int64_t>(event.time_ps); time_ps != now_ps_) {
      now_ps_ = time_ps;
      instant_start_ = processed_;
    } else if (processed_ - instant_start_ >= options_.events_per_instant_max) [[unlikely]] {
      fail_instant();
    }
    ++processed_;
    if (options_.shuffle_ties) [[unlikely]] {
      event.id = shuffle_.unshuffle(event.id);
    }
    handler(std::as_const(event));
  }

  [[noreturn, gnu::cold, gnu::noinline]] void fail_past(Time time) const {
    throw SimulationError("an event at " + std::to_string(time.ps) + " ps lies before now, " + std::to_string(now_ps_) +
                          " ps");
  }
  [[noreturn, gnu::cold, gnu::noinline]] void fail_delay(Time delay) const {
    throw SimulationError("a delay of " + std::to_string(delay.ps) + " ps from " + std::to_string(now_ps_) +
                          " ps is negative or leads beyond the largest time");
  }
  [[noreturn, gnu::cold, gnu::noinline]] void fail_instant() const {
    throw SimulationError("more than " + std::to_string(options_.events_per_instant_max) + " events at " +
                          std::to_string(now_ps_) + " ps: does something schedule itself without delay?");
  }
  [[noreturn, gnu::cold, gnu::noinline]] void fail_deadlock() const {
    throw DeadlockError("deadlock at " + std::to_string(now_ps_) + " ps: nothing is scheduled, but " +
                        waits_.describe());
  }

  Queue queue_;
  std::int64_t now_ps_ = 0;
  std::int64_t processed_ = 0;
  std::int64_t instant_start_ = 0;  // value of processed_ when the current instant began
  SimulationOptions options_;
  TieShuffle shuffle_;
  WaitRegistry waits_;
};

/// What models use.
using Simulation = BasicSimulation<BatchWheel>;
/// The same, slow and obvious: for differential tests.
using ReferenceSimulation = BasicSimulation<ReferenceQueue>;

}  // namespace sparsesim
