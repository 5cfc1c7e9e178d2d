#pragma once
// Paths to values of a workload: "pass.batch", "ops.scan.queries".

#include <string>
#include <vector>

#include "sim/config/node.h"

namespace sparsesim {

/// The keys on the way, for config::Change.
std::vector<std::string> split_workload_path(const std::string& path);

/// Why a value at `path` would change nothing: it leads to an item that a list has not, ends at an item, or goes below
/// a value. Empty where it would.
std::string wrong_workload_path(const config::Node& tree, const std::string& path);
/// The same of a path that is split; the path is not repeated.
std::string wrong_workload_path(const config::Node& tree, const std::vector<std::string>& keys);

}  // namespace sparsesim
