#pragma once
// Recipes as pruning tools write them, as rules of a workload.

#include <string>
#include <vector>

#include "models/whole/import/checkpoint.h"

namespace sparsesim {

/// One statement of a tool: these tensors have that pattern.
struct PruningStatement {
  std::string structure = "unstructured";  // or N:M
  double sparsity = 0;
  std::vector<std::string> targets, ignore;  // names of tensors or modules; "re:" before a regular expression
};

/// Adds the rules of a statement to a checkpoint's recipe: every layer's tensors are held against the targets. Tensors
/// that run as one product (queries, keys and values; gate and up) count only together: a part of them is a note.
/// Errors: a mistake at `place` for a regular expression that is none, or too long.
void add_statement(const PruningStatement& statement, const config::Position& place, config::Diagnostics& diagnostics,
                   Checkpoint& checkpoint);

/// `sparsity_config` of compressed-tensors in config.json: `format`, `sparsity_structure`, `global_sparsity`,
/// `targets`, `ignore`. Source: vllm-project/llm-compressor, neuralmagic/compressed-tensors.
void read_sparsity_config(const config::Node& node, config::Diagnostics& diagnostics, Checkpoint& checkpoint);

/// A recipe file: rules of the workload language (a map with `recipe`), or stages of llm-compressor with
/// modifiers that prune (SparseGPT, Wanda, magnitude). What else it says becomes a note. Errors: config::ConfigError.
void read_recipe_file(const std::string& path, Checkpoint& checkpoint);

}  // namespace sparsesim
