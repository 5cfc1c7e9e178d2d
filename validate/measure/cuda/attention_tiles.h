#pragma once
// Which tiles of keys attention needs: made on the host.

#include <cstdint>
#include <vector>

#include "validate/measure/cuda/attention_kernels.h"

namespace sparsesim::measure {

/// The tiles of keys that each tile of queries needs: entry = 2 * tile + (1 where some of its scores are masked).
struct TileList {
  std::vector<std::int32_t> offsets;  // [query tiles + 1]
  std::vector<std::int32_t> entries;  // rising in each row
};

/// The list of a mask over `queries` queries and mask.keys keys. mask.kept is on the host; mask.block is a multiple of
/// the tile, or 0. Queries that see no key are allowed.
TileList list_tiles(const ScoreMask& mask, std::int32_t queries);

}  // namespace sparsesim::measure
