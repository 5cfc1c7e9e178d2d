#pragma once
// What is served of a workload: its own keys, its section `serving`, and how requests are batched.

#include "models/evaluate/workload.h"
#include "models/serving/serving_spec.h"

namespace sparsesim {

struct ServedWorkload {
  config::Node tree;  // as it is read: steps take the place of a decoder's own pass
  Workload workload;
  Scheduling scheduling = Scheduling::continuous;
  ServingSpec spec;
  config::Position place;  // of the section, else of the model
};

/// `open_loop`: rates are given, so that users of a closed loop arrive by them. Errors: config::ConfigError.
ServedWorkload read_served(const config::Node& tree, bool open_loop);

}  // namespace sparsesim
