#pragma once
// What one step of a served model costs: the one place where the simulation of requests asks the simulation of kernels.

#include <cstdint>
#include <span>

#include "sim/core/units.h"

namespace sparsesim {

/// One sequence's part in a step. Whatever is drawn for its tokens (exits, routes, active neurons) is a function of
/// (seed, request, place of the token), so that it does not depend on who shares the step.
struct StepSequence {
  std::int64_t request = 0;  // its number in the run
  std::int64_t queries = 1;  // new tokens
  std::int64_t keys = 1;     // tokens that the last of them sees, itself included
  bool samples = true;       // a new token follows: a row of the output head
  bool decodes = true;       // one token after a generated one; false: (part of) a prompt
};

/// Times of one step. A device's pipeline stage holds consecutive layers; with one stage the step takes
/// host + stage + head.
struct StepTime {
  Time host;   // scheduler and launches before the first kernel
  Time stage;  // layers of one stage
  Time head;   // norm and head after the last layer, on the last stage
  Time send;   // activations from one stage to the next
};

class StepCost {
 public:
  virtual ~StepCost() = default;
  /// The sequences of a step, one at least. The same sequences in any order cost the same.
  virtual StepTime step(std::span<const StepSequence> sequences) = 0;
};

}  // namespace sparsesim
