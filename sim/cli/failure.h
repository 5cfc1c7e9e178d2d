#pragma once
// Every kind of error becomes one message and an exit code.

#include <exception>
#include <string>
#include <vector>

#include "models/explore/sweep_ranks.h"

namespace sparsesim::cli {

/// What the program says of an error, without the line's end, and the exit code it ends with (docs/errors.md).
Failure describe_failure(const std::exception_ptr& error);

/// Whether these arguments make this process a rank of a sweep that is not the first: that one says what is wrong with
/// them, once for all.
bool is_silent_rank(const std::vector<std::string>& arguments);

}  // namespace sparsesim::cli
