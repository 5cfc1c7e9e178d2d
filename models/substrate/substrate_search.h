#pragma once
// Where files of substrates are found.

#include <optional>
#include <string>
#include <vector>

#include "models/substrate/substrate.h"

namespace sparsesim {

/// Path of a substrate file: `path_or_name` itself if there is such a path, else FOLDER/NAME.yaml, else the first file
/// (in order of folders, then of names) that lists it as an alias. Nothing if there is none.
std::optional<std::string> find_substrate(const std::string& path_or_name, const SearchPath& search);

/// All names and aliases that find_substrate accepts, for "did you mean".
std::vector<std::string> known_substrates(const SearchPath& search);

/// Path of FOLDER/KIND/NAME.yaml in the first folder that has it ("fabrics").
std::optional<std::string> find_shared_file(const std::string& kind, const std::string& name, const SearchPath& search);

/// YAML files of FOLDER/kernels/ARCHITECTURE in name order, of the first folder that has that folder.
std::vector<std::string> kernel_files(const std::string& architecture, const SearchPath& search);

}  // namespace sparsesim
