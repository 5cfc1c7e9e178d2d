#pragma once
// Weights of one device in training. Private to this folder.

#include "models/whole/model.h"

namespace sparsesim {

/// Of the pipeline stage with most of them; numbers of weights, zeros included.
struct StageWeights {
  double shared = 0;   // of all parts but experts: equal on the groups of a replica, which divide its sequences
  double experts = 0;  // a group's own where experts are spread
  double sparse = 0;   // of both, those that a recipe keeps packed
};
StageWeights stage_weights(const Model& model);

}  // namespace sparsesim
