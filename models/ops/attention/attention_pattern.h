#pragma once
// How a workload writes a pattern of attention.

#include <optional>
#include <string>

#include "models/ops/attention/attention.h"
#include "sim/config/reader.h"

namespace sparsesim {

/// What is wrong with sizes, and at which key.
struct AttentionFault {
  std::string key, message;
};
/// The first contradiction among sizes and pattern; nothing where they are fine.
std::optional<AttentionFault> find_attention_fault(const AttentionSize& size);

/// Reads `pattern`, the sizes of its row, `method`, `index_calls` and `kernel` into `size`, whose shape is known.
/// Mistakes: sizes that other patterns have, missing ones, a mask that cannot be read or does not fit. Returns whether
/// the pattern can be used.
bool read_attention_pattern(config::MapReader& map, AttentionSize& size);

/// Runs of neighbouring keys that a query sees at most.
double most_runs(const AttentionSize& size);

}  // namespace sparsesim
