#pragma once
// What of a checkpoint's weights is zero: patterns of tensors, layer by layer.

#include <string>

#include "models/whole/import/checkpoint.h"

namespace sparsesim {

/// Adds rules for the weights that have zeros to a checkpoint's recipe: N:M where every group of every tensor of a
/// product keeps to it, else `unstructured` with the tensors as masks. Products with fewer than 2 % zeros are dense.
/// `weights` is a .safetensors file, the index of several (model.safetensors.index.json), or the folder of either;
/// masks are named from `folder`, where the workload will be. Experts and latent attention become notes. Errors:
/// config::ConfigError for files that cannot be read, and for tensors of other sizes than config.json says.
void read_weight_patterns(const std::string& weights, const std::string& folder, Checkpoint& checkpoint);

}  // namespace sparsesim
