#pragma once
// Copies of a tree with other values in it, each of which still stands where it was written.

#include <string>
#include <string_view>
#include <vector>

#include "sim/config/node.h"

namespace sparsesim::config {

/// Stands for a key that is not there, in place of a value.
inline constexpr std::string_view kAbsent = "absent";
/// Stands for what is there, beside `absent`.
inline constexpr std::string_view kPresent = "present";
/// Whether a value is that word, without quotes.
bool means_absent(const Node& value);
bool means_present(const Node& value);
/// Whether there is a value at a path: keys of maps; an item of a list goes by its `name`.
bool has_path(const Node& root, const std::vector<std::string>& path);

/// A value to put at a path, or `absent` to leave out what is there.
struct Change {
  std::vector<std::string> path;
  Node value;
};

/// A copy of the tree under `root` with the values of `changes` in it; keys that are not there are added, maps on the
/// way too. Positions and paths are those of the originals; a value that is put in counts as written at its own place,
/// in its own file. A path into an item that does not exist changes nothing; of equal paths the last one counts.
/// `without` are keys of `root` that the copy leaves out. Errors: ConfigError at a change that goes below a value.
Node with_changes(const Node& root, const std::vector<Change>& changes,
                  const std::vector<std::string_view>& without = {});

}  // namespace sparsesim::config
