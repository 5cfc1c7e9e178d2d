#pragma once
// Values of the input files that a command line replaces.

#include <string>
#include <vector>

#include "models/evaluate/workload.h"
#include "models/substrate/substrate.h"
#include "sim/cli/options.h"
#include "sim/config/edit.h"

namespace sparsesim::cli {

/// What "PATH=VALUE" of a command line replaces, told apart: "workload.PATH" is the workload's, "substrate.PATH" or a
/// bare path the machine's.
struct Settings {
  std::vector<config::Change> workload;
  std::vector<std::string> machine;  // "memory.dram.achieved=2 TB/s"
};
/// Errors: UsageError for what is no PATH=VALUE, and for bare paths of a workload; those of workload_change().
Settings split_settings(const config::Node& tree, const std::vector<std::string>& given);

/// The machine with leaves replaced: "memory.dram.achieved=2 TB/s", "devices=4". Errors: UsageError with the nearest
/// known path, for a value that no file could hold, and for numbers that contradict each other afterwards.
Substrate load_with_settings(const std::string& name, const std::vector<std::string>& settings);

/// Machine and workload that a command names, with what its --set replaces in either.
struct Inputs {
  Substrate substrate;
  Workload workload;
};
Inputs load_inputs(const ParsedCommand& command);

/// The change that puts `text` at a path of a workload: keys of maps, items of lists by name ("ops.scan.queries"). Its
/// mistakes count as written in the file `label`. Errors: UsageError for no text, and where no value can stand at the
/// path (wrong_workload_path()); config::ConfigError for a text that is no YAML.
config::Change workload_change(const config::Node& tree, const std::string& path, const std::string& text,
                               const std::string& label);

}  // namespace sparsesim::cli
