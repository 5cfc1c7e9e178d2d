#pragma once
// What the samples say of the machine: numbers of the substrate, granules and curves.

#include "validate/measure/cpu/fingerprint/items.h"
#include "validate/measure/harness/substrate_file.h"

namespace sparsesim::measure {

/// Writes everything that was sampled to `file`. Threads are those of the bench; capacities are found from the knees of
/// the curves.
void report(const Bench& bench, const Sampler& sampler, SubstrateFile& file);

/// Parts of report(), each of a file of its own.
void report_dispatch(const Bench& bench, const Sampler& sampler, SubstrateFile& file);
void report_overlap(const Sampler& sampler, SubstrateFile& file);
void report_granules(const Bench& bench, const Sampler& sampler, SubstrateFile& file);
void report_curves(const Bench& bench, const Sampler& sampler, SubstrateFile& file);

/// a / b with the range that the ranges of both allow.
Spread ratio(const Spread& a, const Spread& b);
/// factor / a: a rate of a time.
Spread inverse(const Spread& a, double factor);
Spread scaled(const Spread& a, double factor);

}  // namespace sparsesim::measure
