#pragma once
// Runs the points of a sweep on several threads and writes each down as soon as it is known.

#include <atomic>
#include <cstdint>
#include <functional>

#include "models/explore/point_runner.h"
#include "models/explore/study.h"

namespace sparsesim {

struct SweepOptions {
  int threads = 0;                          // 0: one per processor
  const std::atomic<bool>* stop = nullptr;  // set: the points in flight are finished, no further one begins
  std::function<void(std::int64_t done, std::int64_t total)> progress;  // positions gone through; one thread at a time
};

struct SweepOutcome {
  std::int64_t simulated = 0;  // now
  std::int64_t known = 0;      // were in the file before, or lead to the inputs of another point
  std::int64_t left_out = 0;   // fail a condition
  std::int64_t failed = 0;     // of the simulated: the machine cannot run them
  bool finished = false;       // not stopped
};

/// Points that `store` has are not simulated again. Errors: sweep::StoreError, after which nothing more is written;
/// config::ConfigError for a point whose values do not go together.
SweepOutcome run_sweep(const sweep::Design& design, Study& study, sweep::Store& store, const SweepOptions& options);

}  // namespace sparsesim
