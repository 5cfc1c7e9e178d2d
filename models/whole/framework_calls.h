#pragma once
// How many operators of an eager framework the ops of a whole model stand for (docs/models/host.md).

#include <cstdint>

#include "models/whole/model.h"

namespace sparsesim {

struct FrameworkCalls {
  std::int64_t dense = 1, sparse = 1;  // of one run
  int loop = 0;                        // ops with the same number are of the same layers: 1 forward, 2 backward
};

/// Counted in public code, by the part that the op's name says; what is not known there is one call.
FrameworkCalls framework_calls(const ModelOp& op, const Model& model);

}  // namespace sparsesim
