#pragma once
// Plays a program: launches on each device's stream, exchanges on the fabric, in the order of their dependencies.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "models/compute/ideal.h"
#include "models/compute/launch_memo.h"
#include "models/compute/player.h"
#include "models/evaluate/host.h"
#include "models/ops/op.h"
#include "sim/trace/timeline.h"

namespace sparsesim {

/// What can limit a run: the resources of a device, the fabric, per-call cost, and who issues the kernels.
enum class Resource { tensor, vector, special, l2, side_cache, dram, numa_link, fabric, fixed, host };
inline constexpr int kResources = 10;
std::string_view name(Resource resource);

/// Counters of a run, so that a right time for a wrong reason can be seen. One list serves every output.
struct RunCounters {
  LaunchCounters device;  // summed over devices
  double launches = 0, messages = 0, fabric_bytes = 0;
  template <class Self, class F>
  static void visit(Self& self, F&& f) {
    LaunchCounters::visit(self.device, f);
    f("launches", self.launches, "kernels started");
    f("messages", self.messages, "messages between devices");
    f("fabric_bytes", self.fabric_bytes, "bytes that crossed the fabric");
  }
  RunCounters& operator+=(const RunCounters& other);
  RunCounters& scale(double factor);
};

/// A kernel of the library that a program launches.
struct KernelUse {
  std::string name;
  std::int64_t launches = 0, tasks = 0;  // over all devices
};

struct ProgramResult {
  Time time;                              // when all was issued before
  Time host;                              // that issuing takes; with graphs none
  Time hosted;                            // from an idle host to the end, >= time; with graphs the same
  RunCounters counters;                   // summed over devices
  std::array<double, kResources> busy{};  // seconds each resource needs at its full rate, on the slowest device
  std::vector<KernelUse> kernels;         // in the order of their first launches
  bool uses_devices = false, uses_fabric = false;
  Resource bound() const;      // the largest of busy
  double utilisation() const;  // busy[bound()] / time
  /// The hardest lower bound on the time: no resource can be faster than its own work.
  double bound_seconds() const;
};

struct TraceOptions {
  Timeline* timeline = nullptr;  // null: nothing is recorded
  Time origin;                   // where the program starts on the timeline
  std::string prefix;            // name of the op
};

/// Every device works down its stages in order, none before its host issued it; an exchange waits for the hosts of all.
/// Launches that `memo` has are not played again. Errors: std::logic_error if stages are not in a topological order or
/// name a device outside the program.
ProgramResult play_program(const Program& program, const Substrate& substrate, const Ideal& ideal,
                           LaunchMemo* memo = nullptr, const TraceOptions& trace = {}, const IssueCost& issue = {});

}  // namespace sparsesim
