#pragma once
// What a measuring backend gives to the harness: problems with kernels that can be checked and timed.

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "validate/measure/harness/plan.h"

namespace sparsesim::measure {

/// The device cannot do what a row asks (no such instruction, no library, too large): the row is left out by name.
struct NotHere : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One implementation with its data in place.
class Runner {
 public:
  virtual ~Runner() = default;
  /// As in the column `kernel`: "library:openblas", "tuned:csr".
  virtual std::string kernel() const = 0;
  /// Largest error of one run on the problem's fresh random data, over the tolerance of its type: at most 1 is right.
  /// The reference is computed in higher precision from the same inputs.
  virtual double error() = 0;
  /// Runs `calls` times, one after the other, each on the next copy of the operands. Returns seconds of all calls.
  virtual double run(int calls) = 0;
};

/// The data of one problem: rows of a plan that share a dense baseline.
class Problem {
 public:
  virtual ~Problem() = default;
  /// Implementations of one row. Errors: NotHere.
  virtual std::vector<std::unique_ptr<Runner>> runners(const PlanRow& row) = 0;
  /// Dense candidates; the fastest is the baseline. Empty for rows without one.
  virtual std::vector<std::unique_ptr<Runner>> baselines() = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;
  /// Library and driver versions, processor, clock state: one line for the column `source`.
  virtual std::string provenance() const = 0;
  /// Rows with equal keys are measured together against one baseline. Errors: NotHere.
  virtual std::string problem_key(const PlanRow& row) const = 0;
  /// Errors: NotHere.
  virtual std::unique_ptr<Problem> prepare(const PlanRow& row, std::uint64_t seed) = 0;
};

}  // namespace sparsesim::measure
