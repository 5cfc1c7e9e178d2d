#pragma once
// A processor's core as the loops of its kernels see it: vectors, load ports, the caches above it
// (docs/models/cores.md).

#include <algorithm>
#include <string>
#include <vector>

#include "models/compute/ideal.h"
#include "models/compute/launch.h"
#include "models/substrate/substrate.h"

namespace sparsesim {

/// Whether tasks of the machine are loops on cores: its kernel library has a `cores` entry.
bool on_cores(const Substrate& substrate);

/// What the loops of one core are made of. Cycles are of its clock.
struct Core {
  const Substrate& substrate;
  double vector_bytes = 0;       // of a register
  double registers = 0;          // vectors
  double multiply_latency = 0;   // cycles until a multiply-add may be added to
  double add_latency = 0;        // the same of an addition
  double issue = 0;              // instructions per cycle
  double window = 0;             // instructions that may be under way at a time
  double overlap = 0;            // how well work on different ports hides: the exponent of busy_cycles()
  double stream_overlap = 0;     // the same of a loop and the lines that stream to it
  double loads_bytes = 0;        // bytes per cycle from the first-level cache
  double scalar_loads = 0;       // loads of single numbers per cycle; 0: as many as of vectors
  double narrow_multiplies = 0;  // multiply-add instructions per cycle on half a register; 0: as many as on whole ones
  double distance = 1;           // mean latency to data that any core reads, over that to the own NUMA domain
  double own_distance = 1;       // the same to parts of operands that each are read by one core, known beforehand
  double line = 0;               // bytes

  /// Elements of `dtype` in a vector.
  double lanes(const std::string& dtype) const;
  /// Multiply-add instructions per cycle on vectors of `dtype`. Errors: UnsupportedError without a rate for the type.
  double multiplies(const std::string& dtype) const;
  /// The same of registers of `bytes`, which may be narrower than the core's.
  double multiplies(const std::string& dtype, double bytes) const;
  double cores() const { return substrate.compute.units; }
  /// Sockets with cores at work: each reads what all cores share for itself.
  double sockets() const { return std::min(cores(), std::max(1.0, substrate.memory.numa.sockets.value)); }
};

/// Errors: UnsupportedError when the library has no `cores` entry or lacks one of its constants.
Core core_of(const Substrate& substrate);

/// A constant of a kernel, or the fallback.
double constant_or(const Kernel& kernel, const std::string& name, double fallback);
/// Throws UnsupportedError for a constant that loops on cores do not know.
[[noreturn]] void refuse_constant(const Kernel& kernel, const std::string& name);
/// Whether each call has the constant, whatever its loop: start_us, dram_share.
bool is_call_constant(const std::string& name);

/// Sets the members of `loop` that `names` lists to the kernel's constants. Errors: UnsupportedError for unknown ones.
template <class Names, class Loop>
void read_core_constants(const Kernel& kernel, const Names& names, Loop& loop) {
  for (const auto& [name, value] : kernel.constants) {
    const auto row = std::find_if(names.begin(), names.end(), [&key = name](const auto& r) { return key == r.first; });
    if (row != names.end())
      loop.*(row->second) = value;
    else if (!is_call_constant(name))
      refuse_constant(kernel, name);
  }
}

/// An operand that a loop reads again and again: `runs` runs of `run_bytes` contiguous bytes, `stride` bytes apart.
struct Footprint {
  double runs = 0, run_bytes = 0, stride = 0;
  double bytes() const { return runs * run_bytes; }
};

/// Where reads end that find their lines in the nearest cache that kept them: shares that add up to 1.
struct Residence {
  double l1 = 0, mid = 0, shared = 0, dram = 0;
};

/// As residence(), for reads in the same order every time: least-recently-used caches then lose what is just too large.
/// Their hits fall from all to none while the footprint grows from the cache's size to 4/3 of it: of footprints that
/// fingerprints stream, the next larger ones (4/3 of Zen 5's first cache, 3/2 of Zen 3's) come at the next cache's
/// rate.
Residence residence_in_turn(const Core& core, const Footprint& footprint, double beside, double cores);

/// The part of a cache that lines of `footprint` can use: ways x line x the sets that their addresses reach.
///
/// Runs `stride` apart fall on sets / gcd places of a period of sets x line; each run covers its own lines beyond.
double usable_bytes(double capacity, double ways, const Footprint& footprint, double line);

/// Where a line is found that is read again after a random choice of the footprint's others, and `beside` bytes of what
/// is read once, went through the caches: min(1, room / footprint) at each level. With a cache of C lines and a share d
/// of F lines read per round, gaps are geometric and F (1 - (1-d)^gap) lines come in between, so that a share C / F of
/// the reads hits where d is small.
///
/// share  d, where rounds go through the footprint in order: whole gaps then fit or do not. 0: small; 1: in turn
Residence residence(const Core& core, const Footprint& footprint, double beside, double cores, double share = 0);

/// Cycles of a core to load `bytes` that reside there: each level at its own rate, one after the other, for each
/// rate was measured with the loads that it needs. The share in DRAM counts as if it came from the shared cache: DRAM's
/// own time is the stream's.
double load_cycles(const Core& core, const Residence& where, double bytes);

/// Cycles of those among `bytes` that do not lie in the nearest cache.
double far_cycles(const Core& core, const Residence& where, double bytes);

/// Cycles that a core waits for runs of `lines` lines at random places in main memory: for the first line of each a
/// latency over as many as it keeps in flight, for the others memory.dram.next_line (absent: as long as the first).
/// Streams of prefetchers do not reach them, so that their bytes' time lies within, not beside.
///
/// line_issue  instructions from one of these lines to the next: no more lines are under way than the window has room
///             for; 0: as many as the core keeps in flight
double waiting_cycles(const Core& core, double runs, double lines = 1, double line_issue = 0);

/// Seconds in which one core alone draws `bytes` in their order from memory so far away (Core::distance, own_distance).
double arrival_seconds(const Core& core, double bytes, double distance);

/// What one thread of a kernel does.
struct CoreWork {
  double multiply_cycles = 0;  // of the multiply pipes
  double apart_cycles = 0;  // of multiply_cycles, those of passes over what the first pass has brought: nothing streams
  double load_cycles = 0;   // of the load ports and the private caches: at the same time
  double issue_cycles = 0;  // of the front end: at the same time, too
  double chain_cycles = 0;  // of sums that wait for themselves: at the same time, too
  double serial_cycles = 0;   // mispredicted branches, dependent chains: nothing hides them
  double special_cycles = 0;  // exponentials, between the others
  double cold_bytes = 0;      // read from DRAM
  double shared_bytes = 0;    // read again from the shared cache
  double common_bytes = 0;    // of cold_bytes and waste_bytes, those of operands that any core reads
  double result_bytes = 0;    // written: lines come from DRAM and go back to it
  double waited_bytes = 0;    // of cold_bytes and waste_bytes, those that serial_cycles wait for: no stream beside it
  double waste_bytes = 0;     // of the lines of cold_bytes, what nobody asked for
  double useful_macs = 0, issued_macs = 0;

  bool operator==(const CoreWork&) const = default;
  CoreWork& operator+=(const CoreWork& other);
};
/// Cycles of work that ports do at the same time, as far as a core can keep them all fed: the p-norm of multiply, load,
/// issue and chain cycles, p the core's overlap. With p infinite the longest hides all others; equal ones then lose
/// nothing, which no queue of finite length reaches. Serial and special cycles come on top.
double busy_cycles(const CoreWork& work, const Core& core);
CoreWork operator*(double share, const CoreWork& work);

/// Adds a task's part of an operand that `tasks` tasks on all cores read for the first time: once from DRAM, and from
/// the shared cache by every further core (once per socket); from DRAM by each where the shared cache cannot hold it.
void add_first_read(CoreWork& work, double bytes, double tasks, const Core& core);

/// What a call costs beside its work: the kernel's start_us (microseconds, or a time with its unit), else that of a
/// call of no work, dispatch.graph_node.
double call_seconds(const Kernel& kernel, const Substrate& substrate);

/// One call. Tasks begin in their order, one per core at a time.
///
/// dynamic  cores take the next task as they become free, at the cost of dispatch.rate and hand_over; else the order is
///          fixed beforehand and costs nothing
/// Streams run beside the loop, which takes busy_cycles().
/// Kernel constants: start_us (per call), dram_share (of the best streaming bandwidth).
Launch core_launch(const std::string& name, const Kernel& kernel, const std::string& dtype,
                   const std::vector<CoreWork>& tasks, bool dynamic, const Substrate& substrate);

/// The kernels of op `op` for the type and pattern whose names begin with `name`; those of any name where there is
/// none. Errors: UnsupportedError when the library has none.
std::vector<const Kernel*> core_kernels(const Substrate& substrate, const std::string& op, const std::string& pattern,
                                        const std::string& dtype, const std::string& name);

/// The launch that ends first, of at least one.
Launch fastest_launch(std::vector<Launch> launches, const Substrate& substrate, const Ideal& ideal);

}  // namespace sparsesim
