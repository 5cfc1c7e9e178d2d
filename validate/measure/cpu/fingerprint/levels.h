#pragma once
// The levels of memory, as the curves tell them.

#include "validate/measure/cpu/fingerprint/findings.h"
#include "validate/measure/cpu/fingerprint/knees.h"

namespace sparsesim::measure {

/// The levels as one core sees them while all work: threads of one core share its caches.
struct Levels {
  double l1 = 0, mid = 0, shared = 0;  // capacities in B; of the shared one all of it
  double line = 64;
};
Levels find_levels(const Bench& bench, const Sampler& sampler);

/// A curve in seconds per operation.
std::vector<Point> points(const Sampler& sampler, const std::string& curve);
/// The point of a curve that is nearest to x, by ratio.
Spread nearest(const Sampler& sampler, const std::string& curve, double x);
/// Bytes per cycle of one core while all read footprints of their own.
Spread bytes_per_cycle(const Bench& bench, const Sampler& s, double footprint);
/// Bytes that a fill moves: up to there a random run from DRAM costs as much as one line.
double fill_granule(const Sampler& s);

}  // namespace sparsesim::measure
