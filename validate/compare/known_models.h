#pragma once
// Shapes of published models, for measured rows that name one.

#include <string>
#include <string_view>
#include <vector>

namespace sparsesim {

struct KnownModel {
  std::string_view name;
  std::string_view shape;  // keys of `model` in a workload, without braces. Source: config.json of each checkpoint
};

/// Row of the name however people write it: letters and digits count, case, owner ("meta-llama/") and what says no
/// shape ("-hf", "-instruct", "-chat", "-v0.1") do not. Null for an unknown one.
const KnownModel* find_known_model(std::string_view name);
/// Names in the order of the table.
std::vector<std::string> known_model_names();

}  // namespace sparsesim
