#pragma once
// Copies of a map with other values in it, each of which still stands where it was written.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/config/node.h"

namespace sparsesim::config {

/// A copy of `map` without the keys `without` and with the values of `put`, which replace those of the same key.
/// Positions and the path are those of the originals; a value of `put` counts as written at its own place.
Node edited(const Node& map, const std::vector<std::string_view>& without,
            const std::vector<std::pair<std::string, Node>>& put);

}  // namespace sparsesim::config
