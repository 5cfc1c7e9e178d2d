#pragma once
// Plays a launch on one device, event by event.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "models/compute/ideal.h"
#include "models/compute/launch.h"
#include "models/substrate/substrate.h"
#include "sim/core/units.h"

namespace sparsesim {

class LaunchMemo;

/// What can limit a launch on a device.
enum class DeviceResource { tensor, vector, special, l2, side_cache, dram, numa_link };
inline constexpr int kDeviceResources = 7;

/// What a launch moved and executed.
struct LaunchCounters {
  double dram_bytes = 0, remote_bytes = 0, l2_bytes = 0, l2_hit_bytes = 0, useful_macs = 0, issued_macs = 0, tasks = 0;
  template <class Self, class F>
  static void visit(Self& self, F&& f) {
    f("dram_bytes", self.dram_bytes, "bytes read from and written to main memory");
    f("remote_bytes", self.remote_bytes, "of these, bytes from or to another NUMA domain");
    f("l2_bytes", self.l2_bytes, "bytes between the units and the second-level cache");
    f("l2_hit_bytes", self.l2_hit_bytes, "bytes read that were still in the second-level cache");
    f("useful_macs", self.useful_macs, "multiply-adds that the result needs");
    f("issued_macs", self.issued_macs, "multiply-adds that the matrix pipe executed, padding included");
    f("tasks", self.tasks, "tasks dispatched");
  }
};

/// When a launch ends on a device and what it kept busy.
struct LaunchResult {
  Time time;                                    // from the call to the last byte written, fixed cost included
  double balanced_seconds = 0;                  // mean occupied time of a slot: as if work spread evenly, no tail
  double fixed_seconds = 0;                     // of time: per-call cost
  std::array<double, kDeviceResources> busy{};  // seconds each resource needs at its full rate, spread over all units
  double clock = 0;                             // Hz that the power cap allowed
  LaunchCounters counters;
  std::int64_t events = 0;

  DeviceResource bound() const;  // the largest of busy
  double utilisation() const;    // busy[bound()] / time
  double bound_seconds() const;  // no schedule is faster: max of busy
};

/// Plays `launch` on `substrate`, the units' clock lowered until the power cap holds (docs/models/device.md).
///
/// Dispatcher (finite rate, breadth first) -> residency slots of the units -> per task: prologue, main loop with
/// `stages` steps in flight, epilogue, stores. Pipes, L2 and DRAM are first-in-first-out servers; L2 holds panel slices
/// under LRU. `ideal` takes mechanisms away at the clock of the real run. Bounds: time >= max(busy) + fixed_seconds.
/// Cost: at most 8 000 events plus three per task, or five per task beyond 4 000 tasks (32 000 and 16 000 where
/// the pipes of a task take turns); steps are merged to that end, eight at least where there are as many.
/// What `memo` has is not played again. Errors: std::logic_error for a task that names no shape.
LaunchResult play(const Launch& launch, const Substrate& substrate, const Ideal& ideal, LaunchMemo* memo = nullptr);

/// The same with nothing but `without_overfetch` ideal, at a given clock of the units, without the power rule.
LaunchResult play_at_clock(const Launch& launch, const Substrate& substrate, bool without_overfetch, double clock_hz);

/// Where and when a task ran, from the start of the first task on.
struct TaskSpan {
  std::uint32_t task = 0;
  std::uint32_t unit = 0, slot = 0;  // slots are numbered over the device, breadth first over units
  Time start, end;
};
/// The schedule of play_at_clock, one entry per task in the order of their ends.
std::vector<TaskSpan> task_schedule(const Launch& launch, const Substrate& substrate, double clock_hz);

/// Energy of a launch at the reference clock, idle power excluded: FLOPs, L2 bytes and DRAM bytes at the substrate's
/// rates.
double active_energy(const Launch& launch, const LaunchCounters& counters, const Substrate& substrate);

}  // namespace sparsesim
