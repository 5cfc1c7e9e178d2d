#pragma once
// Attention on cores: blocks of queries, each against the tiles of keys that it sees, one after the other.

#include "models/ops/attention/attention.h"
#include "models/ops/cores/core.h"
#include "models/sparsity/block_map.h"

namespace sparsesim {

/// A kernel (op `cores_attention`) whose `tile` is [queries, keys] of scores and vectors of a panel of keys.
struct AttentionLoop {
  double rows = 1;            // of a register tile of the two products
  double vectors = 1;         // columns of it, in vectors
  double score_issue = 0;     // instructions per vector of scores: maximum, exponential, sum
  double row_cycles = 0;      // per query and tile: chains of the running softmax
  double product_cycles = 0;  // per register tile: its start, sums loaded, scaled and stored
  double mask_cycles = 0;     // per score of a tile that not every query sees whole
};
/// Errors: UnsupportedError for a constant that it does not know.
AttentionLoop attention_loop(const Kernel& kernel);

/// One task per head and block of queries, the longest of a head first.
Launch lower_cores_attention(const AttentionSize& size, const Kernel& kernel, const BlockMap& map,
                             const Substrate& substrate, const Ideal& ideal);

}  // namespace sparsesim
