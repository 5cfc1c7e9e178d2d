#pragma once

#include <string>
#include <string_view>

namespace sparsesim::cli {

/// A completion script made from the option table. `shell` is bash, zsh or fish; anything else is a std::logic_error.
/// Names of substrates and workloads are asked from `sparsesim list KIND --names` when they are needed.
std::string completion_script(std::string_view shell);

}  // namespace sparsesim::cli
