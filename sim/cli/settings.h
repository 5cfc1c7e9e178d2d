#pragma once
// Values of the input files that a command line replaces.

#include <string>
#include <vector>

#include "models/substrate/substrate.h"
#include "sim/config/edit.h"

namespace sparsesim::cli {

/// The machine with leaves replaced: "memory.dram.achieved=2 TB/s", "devices=4". Errors: UsageError with the nearest
/// known path, for a value that no file could hold, and for numbers that contradict each other afterwards.
Substrate load_with_settings(const std::string& name, const std::vector<std::string>& settings);

/// The change that puts `text` at a path of a workload: keys of maps, items of lists by name ("ops.scan.queries"). Its
/// mistakes count as written in the file `label`. Errors: UsageError where the path leads into an item that `tree` has
/// not; config::ConfigError for a text that is no YAML.
config::Change workload_change(const config::Node& tree, const std::string& path, const std::string& text,
                               const std::string& label);

}  // namespace sparsesim::cli
