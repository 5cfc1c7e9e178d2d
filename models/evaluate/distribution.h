#pragma once
// A workload over many seeds: how much luck in the draws (masks, routes, exits) moves its times.

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "models/evaluate/run.h"

namespace sparsesim {

/// Order statistics of a sample. The p-th percentile is the smallest value that at least p % of the sample do not
/// exceed (nearest rank), so it is always one of them.
/// Errors: std::invalid_argument for an empty sample.
Spread spread_of(std::vector<double> sample);

inline constexpr std::int64_t kSeedsMost = 10'000;

struct DistributionOptions {
  std::uint64_t first_seed = 1;
  std::int64_t seeds = 1;  // first_seed .. first_seed + seeds - 1; at most kSeedsMost
  int threads = 0;         // 0: one per processor
  std::function<void(std::size_t, std::size_t)> progress = {};  // (done, total), one thread at a time
  const std::atomic<bool>* stop = nullptr;
};

/// Times of a workload on one machine for each seed, everything else alike. Independent runs on all processors; the
/// result does not depend on how many. Nothing where `stop` was set.
/// Errors: those of run(); of the lowest seed that fails.
std::optional<Distribution> over_seeds(const Workload& workload, const Substrate& substrate,
                                       const DistributionOptions& options);

}  // namespace sparsesim
