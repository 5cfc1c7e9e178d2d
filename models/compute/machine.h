#pragma once
// The state of one device while a launch plays; used by player.cpp only.

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "models/compute/domains.h"
#include "models/compute/launch.h"
#include "models/compute/player.h"
#include "models/compute/server.h"
#include "models/compute/slice_cache.h"
#include "models/substrate/substrate.h"
#include "sim/core/simulation.h"

namespace sparsesim {

/// A task shape with its main loop merged into chunks of whole steps, durations in picoseconds.
struct ChunkedShape {
  int steps = 0;
  int chunks = 0;
  int fill_steps = 0;  // the pipeline fill: chunk 0 has these, the others share the rest evenly
  std::array<double, kPipes> step_ps{};
  double step_total_ps = 0;  // one step alone on its unit
  double prologue_ps = 0, epilogue_ps = 0;

  /// Step with which a chunk begins; of `chunks`, the end of the loop.
  int begin(int chunk) const {
    if (chunk == 0) return 0;
    if (chunk == chunks) return steps;
    return fill_steps + static_cast<int>(std::int64_t{steps - fill_steps} * (chunk - 1) / (chunks - 1));
  }
};

class Machine {
 public:
  Machine(const Launch& launch, const Substrate& substrate, bool without_overfetch, double clock_hz);
  /// Tasks are added to `spans` as they end.
  void record(std::vector<TaskSpan>* spans) { spans_ = spans; }
  LaunchResult run();

 private:
  enum Kind : std::uint32_t { kIssue, kCompute, kAhead, kFinish };
  /// A residency slot of a unit and the task in it.
  struct Slot {
    std::uint32_t task = 0;
    std::uint32_t unit = 0;
    std::uint32_t chiplet = 0;   // of the unit
    int chunk = 0;               // next to issue
    double last_arrival_ps = 0;  // of the chunk last issued
    double compute_end_ps = 0;   // of the chunk last computed
    double started_ps = 0;
    double epilogue_end_ps = 0;  // of the task before
    bool ahead = false;          // the next task's first chunk is on its way
    std::uint32_t next = 0;      // that task
    double next_first_ps = 0, next_last_ps = 0;
  };
  /// When the first and the last step of a chunk are in the unit.
  struct Arrival {
    double first_ps = 0, last_ps = 0;
  };
  void prepare_shapes();
  void prepare_cache();
  void prepare_slots();
  void start(Slot& slot, std::uint32_t id);
  void begin(Slot& slot, std::uint32_t task, double start_ps);
  Arrival load(const Slot& slot, std::uint32_t task, int chunk);
  void issue(Slot& slot, std::uint32_t id);
  void load_ahead(Slot& slot);
  void compute(Slot& slot, std::uint32_t id);
  void finish(Slot& slot, std::uint32_t id);
  void dispatch_next(Slot& slot, std::uint32_t id, double ready_ps);
  double fetch(const Slot& slot, const Stream& stream, std::uint32_t panel, int first, int last, double pace_ps);
  double fill(const Slot& slot, const Stream& stream, std::uint32_t panel, int first, int last, double bytes_per_step,
              double pace_ps);
  double fill_l2(const Slot& slot, const Stream& stream, std::uint32_t group, int first, int last, double bytes,
                 double pace_ps);
  double read_dram(const Slot& slot, const Stream& stream, double bytes);
  double now_ps() const { return static_cast<double>(simulation_.now().ps); }
  void at(double ps, Kind kind, std::uint32_t id);
  LaunchResult result() const;

  const Launch& launch_;
  const Substrate& substrate_;
  const bool without_overfetch_;
  const double clock_hz_;
  Simulation& simulation_;  // of this thread
  std::vector<ChunkedShape> chunked_;
  int group_steps_ = 1;             // steps per cached group of slices
  std::uint32_t panel_groups_ = 1;  // groups per panel
  std::vector<Slot> slots_;
  std::vector<std::array<Server, kPipes>> pipes_;  // per unit
  std::vector<Server> ports_;                      // per unit: its link to L2
  std::vector<Server> l2_;                         // per chiplet
  std::vector<SliceCache> cache_;                  // per chiplet: its second-level cache
  DomainMemory dram_;
  Server side_, dispatcher_;
  std::optional<SliceCache> side_cache_;
  std::size_t next_task_ = 0;
  LaunchCounters counters_;
  std::vector<TaskSpan>* spans_ = nullptr;
  double end_ps_ = 0;
  double slot_busy_ps_ = 0;
  double hit_latency_ps_, side_latency_ps_;
  double miss_latency_ps_ = 0;  // of what was last read from DRAM
  double port_ps_per_byte_, l2_ps_per_byte_, side_ps_per_byte_;
};

}  // namespace sparsesim
