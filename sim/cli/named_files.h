#pragma once
// Whether the files that a command line names get along.

#include "sim/cli/options.h"

namespace sparsesim::cli {

/// No file that a command writes may be one that it reads, or that another option writes: however it is spelt, through
/// links, too. Devices and pipes (/dev/null, /dev/stdout) may be named by several. To be called before any work.
/// Errors: UsageError with a line for each file that would be replaced.
void check_named_files(const ParsedCommand& command);

}  // namespace sparsesim::cli
