#pragma once
// Input files that come through a pipe.

#include <memory>

#include "sim/cli/options.h"
#include "sim/config/memory_file.h"

namespace sparsesim::cli {

/// Reads standard input where the machine or the workload is "-", and puts the name that stands for it in place of
/// that. The file is known by this name as long as it is held; null where nothing is "-". Errors: UsageError where both
/// are, config::ConfigError for more bytes than a file may have.
std::shared_ptr<const config::MemoryFile> hold_standard_input(ParsedCommand& command);

}  // namespace sparsesim::cli
