#pragma once
// Errors of the simulator as Python sees them.

#include <pybind11/pybind11.h>

#include <functional>

namespace sparsesim::python {

/// Calls f(); what it throws of ours becomes `Failure(kind, text, mistakes)` of this module, which the package turns
/// into its exceptions. kind: "config", "unsupported", "results", "stopped"; mistakes: (file, line, column, message,
/// hint) each.
void with_failures(const pybind11::object& failure, const std::function<void()>& f);

}  // namespace sparsesim::python
