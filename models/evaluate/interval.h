#pragma once
// How far the constants of a machine can be trusted, carried through to the speedup (docs/models/interval.md).

#include <span>
#include <string>
#include <vector>

#include "models/evaluate/run.h"

namespace sparsesim {

/// Relative half width of a constant without a stated range: spec 0, measured 3 %, fitted 8 %, guessed 30 %.
/// Guessed by experience with repeated microbenchmarks; docs/models/interval.md says why these.
double default_spread(Provenance kind);

/// A copy of the machine with every constant under `group` (first part of its path) at the slow or the fast end of its
/// range.
Substrate shifted(const Substrate& substrate, const std::string& group, bool slow);

/// The machine with each group of constants at the slow end, then at the fast end: two machines per group.
std::vector<Substrate> shifted_machines(const Substrate& substrate);
/// Range of `speedup` from the speedups on shifted_machines(), in their order.
Interval interval_from(double speedup, std::span<const double> shifted_speedups);

/// Runs the workload with each group of constants slow, then fast; deviations of independent groups add in quadrature
/// (of the logarithm of the speedup).
Interval speedup_interval(const Workload& workload, const Substrate& substrate, std::uint64_t seed, double speedup,
                          LaunchMemo* memo = nullptr);

}  // namespace sparsesim
