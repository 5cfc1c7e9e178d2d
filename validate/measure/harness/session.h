#pragma once
// One run over a plan: problems are visited several times, kernels of a problem take turns, what is finished is kept.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "validate/measure/harness/backend.h"
#include "validate/measure/harness/plan.h"

namespace sparsesim::measure {

/// How long to sample. A round is one sample of each kernel of the problem and of its baselines.
struct Sampling {
  int visits = 5;
  double sample_s = 1e-3;         // a sample is as many calls as take this long, at least one
  int rounds = 11;                // of a visit
  int most_rounds = 31;           // where they take less than kernel_s for each kernel
  double kernel_s = 0.05;         // what a visit may always take for each kernel
  double longest_kernel_s = 0.4;  // where `rounds` would take longer: fewer,
  int least_rounds = 4;           // but not below these

  /// For tests: one short visit.
  static Sampling quick();
};

struct SessionOptions {
  std::string out;     // results file; OUT.part keeps samples of visits until their row is finished
  std::string device;  // replaces the column `device` of every row, where not empty
  std::uint64_t seed = 1;
  Sampling sampling;
  const std::atomic<bool>* stop = nullptr;
  std::function<void(const std::string& line)> report;  // errors and rows left out, one line each
  /// Called before each visit of a problem: visits done, of how many, what comes.
  std::function<void(int done, int total, const std::string& what)> progress;
};

struct SessionOutcome {
  int measured = 0;  // results written by this run
  int kept = 0;      // rows of the plan that were there before
  int left_out = 0;  // not here: no such instruction, no library
  int failed = 0;    // wrong results, and kernels that stopped with an error
  bool interrupted = false;
};

/// Measures every row that is not in `options.out` yet. Each kernel is checked once in a run, before it is first timed.
/// Errors: std::runtime_error where results cannot be written; std::invalid_argument where `out` is another file.
SessionOutcome measure_plan(Backend& backend, std::vector<PlanRow> rows, const SessionOptions& options);

}  // namespace sparsesim::measure
