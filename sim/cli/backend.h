#pragma once
// Measuring backends are programs beside this one.

#include <string>
#include <vector>

namespace sparsesim::cli {

inline constexpr int kNoDevice = 3;  // no such device here, or no backend for it in this installation

/// Runs sparsesim-BACKEND with these arguments, its output on ours, and returns its exit code (130 after Ctrl-C).
/// Looked for beside this program, in its libexec folder, and where a build leaves it. A program that is not there is
/// one line on standard error and kNoDevice. Errors: std::runtime_error where it cannot be started.
int run_backend(const std::string& backend, std::vector<std::string> arguments);

}  // namespace sparsesim::cli
