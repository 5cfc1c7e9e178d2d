#pragma once
// The optimizer's pass over weights, gradients and its own state.

#include <string>

#include "models/compute/launch.h"
#include "models/substrate/substrate.h"

namespace sparsesim {

enum class Optimizer { none, sgd, adam };

struct OptimizerSize {
  Optimizer kind = Optimizer::adam;
  double weights = 0;            // of the layer, zeros included
  double density = 1;            // share of the weights that have state
  double unit = 1;               // of them that lie together, where the state is sparse
  bool packed_gradient = false;  // gradients of weights with state alone, in their order; else of all weights
  int copies = 1;                // of each stored weight, as the products read them
  std::string dtype = "fp16";    // of weights and gradients; master weights and state are fp32
};

struct OptimizerBytes {
  double read = 0, write = 0;
};

/// Bytes of one step. Per weight with state, b the bytes of dtype:
///
/// adam  reads gradient b, master weight, first and second moment 4 each; writes those three and copies * b
/// sgd   the same with one momentum
/// A sparse state beside the gradients of all weights reads an index of 4 bytes per unit, and the sectors of the
/// gradient that hold a unit: a share of 1 - (1 - density)^(units per sector).
OptimizerBytes optimizer_bytes(const OptimizerSize& size, const Memory& memory);

/// The pass as the substrate's elementwise kernel runs it. Errors: UnsupportedError without such a kernel.
Launch lower_optimizer(const OptimizerSize& size, const Substrate& substrate);

}  // namespace sparsesim
