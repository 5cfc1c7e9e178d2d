#pragma once
// Plays a program: launches on each device's stream, exchanges on the fabric, in the order of their dependencies.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "models/compute/ideal.h"
#include "models/ops/op.h"
#include "sim/trace/timeline.h"

namespace sparsesim {

/// What can limit a run. `fixed` is per-call cost; `imbalance` is time that no resource accounts for.
enum class Resource { tensor, vector, special, l2, dram, fabric, fixed };
inline constexpr int kResources = 7;
std::string_view name(Resource resource);

/// Counters of a run, so that a right time for a wrong reason can be seen. One list serves every output.
struct RunCounters {
  double dram_bytes = 0, l2_bytes = 0, l2_hit_bytes = 0, useful_macs = 0, issued_macs = 0, tasks = 0, launches = 0,
         messages = 0, fabric_bytes = 0;
  template <class Self, class F>
  static void visit(Self& self, F&& f) {
    f("dram_bytes", self.dram_bytes, "bytes read from and written to main memory");
    f("l2_bytes", self.l2_bytes, "bytes that the units read through the second-level cache");
    f("l2_hit_bytes", self.l2_hit_bytes, "of these, bytes that were still there");
    f("useful_macs", self.useful_macs, "multiply-adds that the result needs");
    f("issued_macs", self.issued_macs, "multiply-adds that the matrix pipe executed, padding included");
    f("tasks", self.tasks, "tasks dispatched");
    f("launches", self.launches, "kernels started");
    f("messages", self.messages, "messages between devices");
    f("fabric_bytes", self.fabric_bytes, "bytes that crossed the fabric");
  }
  RunCounters& operator+=(const RunCounters& other);
  RunCounters& scale(double factor);
};

struct ProgramResult {
  Time time;
  RunCounters counters;                    // summed over devices
  std::array<double, kResources> busy{};   // seconds each resource needs at its full rate, on the slowest device
  Resource bound() const;                  // the largest of busy
  double utilisation() const;              // busy[bound()] / time
  /// The hardest lower bound on the time: no resource can be faster than its own work.
  double bound_seconds() const;
};

struct TraceOptions {
  Timeline* timeline = nullptr;  // null: nothing is recorded
  Time origin;                   // where the program starts on the timeline
  std::string prefix;            // name of the op
};

/// Errors: std::logic_error if stages are not in a topological order or name a device outside the program.
ProgramResult play_program(const Program& program, const Substrate& substrate, const Ideal& ideal,
                           const TraceOptions& trace = {});

}  // namespace sparsesim
