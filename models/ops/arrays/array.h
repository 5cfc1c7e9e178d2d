#pragma once
// Arrays of processing elements that skip zeros in hardware: what their products have in common
// (docs/models/arrays.md).

#include <cstdint>
#include <string>
#include <vector>

#include "models/compute/launch.h"
#include "models/ops/op.h"
#include "models/ops/weights/spmm.h"

namespace sparsesim {

/// Constants of an engine as docs/models/arrays.md names them. Which of them an engine reads depends on its dataflow.
struct ArrayConstants {
  double queue_depth = 1;       // broadcasts that an element can hold, the one that it works on among them
  double run_limit = 0;         // zeros that a stored entry can skip; longer runs store a filler; 0: any
  double empty_cycles = 0;      // of a column without an entry
  double activation_lanes = 1;  // activations, and weights, that an element multiplies with each other per cycle
  double weight_lanes = 1;
  double weight_columns = 1;      // outputs that an element sums at a time: a group of weights, then a barrier
  double distribution_bytes = 0;  // per cycle into all elements; 0: nothing limits it
  double tree_cycles = 0;         // through the distribution network and the reduction tree
  double skips_activations = 1;   // 1: zeros among the activations cost nothing
  double skips_weights = 1;       // 1: zeros among the weights cost nothing
  double start_cycles = 0;        // of a call
  double index_bytes = 0;         // of one stored weight, beside its value
  double dram_share = 1;          // of the best streaming bandwidth
};
/// Errors: UnsupportedError for a constant that arrays do not know.
ArrayConstants array_constants(const Kernel& kernel);

/// Shares of the operands that are not zero, as far as the engine can tell: 1 for an operand whose zeros it multiplies.
struct Densities {
  double weights = 1, activations = 1;
};
Densities seen_densities(const SpmmSize& size, const ArrayConstants& constants);

/// What one processing element does in a call.
struct ElementWork {
  double multiplying = 0;  // cycles in which it works
  double waiting = 0;      // cycles until the others let it go on, and at the end
};

/// One call: a task per element. Stored weights stream from memory to all elements beside the multiplies, once;
/// activations and results pass memory once.
///
/// useful_macs  pairs of two numbers that are not zero
/// issued_macs  multiplies that the elements execute
Launch array_launch(const SpmmSize& size, const Kernel& kernel, const std::vector<ElementWork>& elements,
                    double useful_macs, double issued_macs, const LowerContext& context);

/// Pairs of a weight and an activation that are both not zero, in expectation.
double useful_pairs(const SpmmSize& size);

}  // namespace sparsesim
