#pragma once
// Mistakes of the model, not of the user: they stay checked in release builds.

#include <stdexcept>
#include <string>

namespace sparsesim {

/// The simulation cannot go on: an event in the past, a time that overflows, a resource used out of order.
class SimulationError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// The queue ran dry while something still waits; what() names who waits for what.
class DeadlockError : public SimulationError {
 public:
  using SimulationError::SimulationError;
};

[[noreturn, gnu::cold, gnu::noinline]] inline void fail(const char* what) { throw SimulationError(what); }

/// An assertion that is always on. `what` says which rule was broken.
inline void require(bool holds, const char* what) {
  if (!holds) [[unlikely]] {
    fail(what);
  }
}

}  // namespace sparsesim
