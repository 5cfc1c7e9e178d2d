#pragma once
// What is served of a workload: its own keys, its section `serving`, and how requests are batched.

#include <string>

#include "models/evaluate/workload.h"
#include "models/serving/serving_spec.h"

namespace sparsesim {

struct ServedWorkload {
  config::Node tree;  // as it is read: steps take the place of a decoder's own pass
  Workload workload;
  Scheduling scheduling = Scheduling::continuous;
  ServingSpec spec;
  config::Position place;  // of the section, else of the model
  std::string resolved;    // the whole file with every default, as YAML (--dump-config)
};

/// `open_loop`: rates are given, so that users of a closed loop arrive by them. Errors: config::ConfigError.
ServedWorkload read_served(const config::Node& tree, bool open_loop);

/// The section `serving` of a workload that is run, not served, with every default as YAML: empty where there is none.
/// Errors: config::ConfigError of its keys.
std::string resolved_serving(const Workload& workload);

}  // namespace sparsesim
