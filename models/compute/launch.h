#pragma once
// What a kernel asks of one device: a grid of tasks, each a short program of main-loop steps.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace sparsesim {

/// Which unit of a compute unit (SM) a step keeps busy.
enum class Pipe { tensor, vector, special };
inline constexpr int kPipes = 3;

/// An operand that a task reads along its main loop: a panel, cut into slices by step.
/// Slices are what the caches hold: a task that reads the same steps of the same panel later hits if they are still
/// there.
struct Stream {
  double bytes_per_step = 0;       // useful bytes delivered to the SM per step
  double line_bytes_per_step = 0;  // moved from L2/DRAM per step after rounding up to sectors; >= bytes_per_step
  bool cached = true;              // false: streamed once, never looked up
  double l2_share = 1;             // of the bytes, those this task asks L2 for; a neighbour's multicast brings the rest
  bool resident = false;           // true: read before within the task and still in the shared cache
  double own_share = 0;            // of the bytes, those of an operand's part that no other task reads: it may lie near
};

/// The program that tasks of one shape run. Cycles are compute-unit clock cycles.
struct TaskShape {
  int steps = 0;                                 // main-loop steps
  std::array<double, kPipes> cycles_per_step{};  // occupancy of each pipe per step
  bool pipes_overlap = true;                     // false: within a task the pipes of a step work one after the other
  std::vector<Stream> streams;                   // operands read in each step
  int stages = 2;                                // steps in flight (software pipeline depth)
  double prologue_cycles = 0;                    // address set-up before the first load; occupies no pipe
  double epilogue_cycles = 0;                    // after the last step, occupies the task's residency slot
  std::array<double, kPipes> epilogue_pipe_cycles{};
  double store_bytes = 0;    // written through L2 to DRAM
  double scratch_bytes = 0;  // partial results written to L2 and read back there, never to DRAM
  double useful_macs = 0;    // multiply-adds that the op needs (padding excluded)
  double issued_macs = 0;    // multiply-adds that the tensor pipe executes
};

/// One task of the grid.
struct Task {
  std::uint32_t shape = 0;
  // Per stream of its shape; small numbers, unique over all streams of the launch.
  std::array<std::uint32_t, 3> panel{};
  // Step s reads slice first_slice + s of its panels (a window starts inside its panel).
  std::uint32_t first_slice = 0;
};

/// One kernel call: tasks in dispatch order and how they are hosted.
struct Launch {
  std::string name;
  std::string kernel;  // implementation, as in the kernel library
  std::string dtype;   // of the operands in the tensor pipe; picks the energy per FLOP
  std::vector<TaskShape> shapes;
  std::vector<Task> tasks;
  int tasks_per_unit = 1;         // resident tasks per SM (registers, scratchpad)
  bool persistent = false;        // one resident worker per slot loops over tasks; next main loop overlaps the epilogue
  bool fixed_shares = false;      // every worker has its tasks beforehand: w, w + workers, ...; else it takes the next
  bool loads_ahead = false;       // a persistent worker loads its next task's first steps as its buffers fall free
  double dram_share = 1;          // of the best streaming bandwidth, what this kernel's order of reads reaches
  double slow_start_seconds = 0;  // from the call's first task on, DRAM gives `slow_start_share` of that
  double slow_start_share = 1;
  double fixed_seconds = 0;  // per call: graph node, grid start, and what the kernel adds
  double host_seconds = 0;   // per call of a loop, what the host needs to issue it: a call takes no less
  double dead_tasks = 0;     // tasks dispatched that return at once (padded grids)
};

}  // namespace sparsesim
