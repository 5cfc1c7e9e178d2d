#pragma once
// Paths to values of a workload: "pass.batch", "ops.scan.queries".

#include <string>
#include <vector>

#include "sim/config/node.h"

namespace sparsesim {

/// The keys on the way, for config::Change.
std::vector<std::string> split_workload_path(const std::string& path);

/// Why a value at `path` would change nothing: it leads into an item that a list has not. Empty where it would.
std::string wrong_workload_path(const config::Node& tree, const std::string& path);

}  // namespace sparsesim
