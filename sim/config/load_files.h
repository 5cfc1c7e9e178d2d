#pragma once
// Several YAML files at once, on all processors.

#include <optional>
#include <string>
#include <vector>

#include "sim/config/node.h"

namespace sparsesim::config {

/// The trees of those files that hold no mistake, in the order of `paths`; the diagnostics learn their lines, for
/// mistakes that readers find later. Any other file gives nothing: load_file() says why.
std::vector<std::optional<Node>> load_sound_files(const std::vector<std::string>& paths, Diagnostics& diagnostics);

}  // namespace sparsesim::config
