#pragma once
// A checkpoint as a workload file.

#include <optional>
#include <string>

#include "models/whole/import/checkpoint.h"

namespace sparsesim {

/// What the workload runs. Sizes that are not given are the model's own.
struct ImportedPass {
  std::string phase = "prefill";
  std::int64_t batch = 1;
  std::optional<std::int64_t> seq, keys;
  ModelParallel parallel;
};

/// The workload, notes as comments at its head. It reads back as the same model.
std::string workload_text(const Checkpoint& checkpoint, const ImportedPass& pass);

}  // namespace sparsesim
