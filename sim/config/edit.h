#pragma once
// Copies of a tree with other values in it, each of which still stands where it was written.

#include <string>
#include <string_view>
#include <vector>

#include "sim/config/node.h"

namespace sparsesim::config {

/// A value to put at a path: keys of maps; an item of a list goes by its `name`.
struct Change {
  std::vector<std::string> path;
  Node value;
};

/// A copy of the tree under `root` with the values of `changes` in it; keys that are not there are added, maps on the
/// way too. Positions and paths are those of the originals; a value that is put in counts as written at its own place,
/// in its own file. A path into an item that does not exist changes nothing; of equal paths the last one counts.
/// `without` are keys of `root` that the copy leaves out.
Node with_changes(const Node& root, const std::vector<Change>& changes,
                  const std::vector<std::string_view>& without = {});

}  // namespace sparsesim::config
