#pragma once
// A processor's core as the loops of its kernels see it: vectors, load ports, the caches above it
// (docs/models/cores.md).

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
  double vector_bytes = 0;      // of a register
  double registers = 0;         // vectors
  double multiply_latency = 0;  // cycles until a multiply-add may be added to
  double issue = 0;             // instructions per cycle
  double loads_bytes = 0;       // bytes per cycle from the first-level cache
  double line = 0;              // bytes

  /// Elements of `dtype` in a vector.
  double lanes(const std::string& dtype) const;
  /// Multiply-add instructions per cycle on vectors of `dtype`. Errors: UnsupportedError without a rate for the type.
  double multiplies(const std::string& dtype) const;
  double threads() const { return substrate.compute.units; }
};

/// Errors: UnsupportedError when the library has no `cores` entry or lacks one of its constants.
Core core_of(const Substrate& substrate);

/// A constant of a kernel, or the fallback.
double constant_or(const Kernel& kernel, const std::string& name, double fallback);

/// An operand that a loop reads again and again: `runs` runs of `run_bytes` contiguous bytes, `stride` bytes apart.
struct Footprint {
  double runs = 0, run_bytes = 0, stride = 0;
  double bytes() const { return runs * run_bytes; }
};

/// Where reads end that find their lines in the nearest cache that kept them: shares that add up to 1.
struct Residence {
  double l1 = 0, mid = 0, shared = 0, dram = 0;
};

/// The part of a cache that lines of `footprint` can use: ways x line x the sets that their addresses reach.
///
/// Runs `stride` apart fall on sets / gcd places of a period of sets x line; each run covers its own lines beyond.
double usable_bytes(double capacity, double ways, const Footprint& footprint, double line);

/// Where a line is found that is read again after a random choice of the footprint's others, and `beside` bytes of what
/// is read once, went through the caches: min(1, room / footprint) at each level. With a cache of C lines and a share d
/// of F lines read per round, gaps are geometric and at most F (1 - (1-d)^gap) lines come in between, so that a
/// share C / F of the reads hits, whatever d.
Residence residence(const Core& core, const Footprint& footprint, double beside, double threads);

/// Cycles of a core to load `bytes` that reside there: each level at its own rate, one after the other, for each
/// rate was measured with the loads that it needs. The share in DRAM counts as if it came from the shared cache: DRAM's
/// own time is the stream's.
double load_cycles(const Core& core, const Residence& where, double bytes);

/// What one thread of a kernel does.
struct CoreWork {
  double multiply_cycles = 0;  // of the multiply pipes
  double load_cycles = 0;      // of the load ports and the private caches: at the same time
  double issue_cycles = 0;     // of the front end: at the same time, too
  double serial_cycles = 0;    // mispredicted branches, dependent chains: nothing hides them
  double special_cycles = 0;   // exponentials, between the others
  double cold_bytes = 0;       // read once from DRAM
  double first_bytes = 0;      // read from DRAM by one of the threads, by the others from the shared cache
  double shared_bytes = 0;     // read again from the shared cache
  double result_bytes = 0;     // written: lines come from DRAM and go back to it
  double waste_bytes = 0;      // of the lines of cold_bytes, what nobody asked for
  double useful_macs = 0, issued_macs = 0;

  bool operator==(const CoreWork&) const = default;
  CoreWork& operator+=(const CoreWork& other);
};
CoreWork operator*(double share, const CoreWork& work);

/// A part of a kernel that each thread ends before it begins the next: work of each thread.
using CorePhase = std::vector<CoreWork>;

/// One call: a task per thread and phase, threads pinned to cores. Streams run beside the loop, which takes
/// max(multiply, load, issue) + serial + special cycles.
///
/// Kernel constants: start_us (per call), dram_share (of the best streaming bandwidth).
Launch core_launch(const std::string& name, const Kernel& kernel, const std::string& dtype,
                   const std::vector<CorePhase>& phases, const Substrate& substrate);
/// `all` cut evenly among the threads; what is read first is read by each.
CorePhase even_phase(const CoreWork& all, const Substrate& substrate);

/// The kernels of op `op` for the type and pattern whose names begin with `name`; those of any name where there is
/// none. Errors: UnsupportedError when the library has none.
std::vector<const Kernel*> core_kernels(const Substrate& substrate, const std::string& op, const std::string& pattern,
                                        const std::string& dtype, const std::string& name);

/// The launch that ends first, of at least one.
Launch fastest_launch(std::vector<Launch> launches, const Substrate& substrate, const Ideal& ideal);

}  // namespace sparsesim
