#include "validate/measure/cuda/attention_tiles.h"

#include <algorithm>

namespace sparsesim::measure {
namespace {

enum class Seen { none, some, all };

/// How much of a tile the causal line and the window leave; keys and queries past the end count as not needed.
Seen seen_in_tile(const ScoreMask& mask, std::int32_t queries, std::int32_t first_query, std::int32_t first_key) {
  const std::int32_t last_query = std::min(first_query + kTileQueries, queries) - 1;
  bool any = false, all = first_key + kTileKeys <= mask.keys;
  for (std::int32_t query = first_query; query <= last_query; ++query) {
    const std::int32_t low = mask.window > 0 ? std::max(0, query - mask.window + 1) : 0;
    const std::int32_t high = std::min(mask.keys, mask.causal ? query + 1 : mask.keys);  // one past
    any = any || (std::max(low, first_key) < std::min(high, first_key + kTileKeys));
    all = all && low <= first_key && high >= first_key + kTileKeys;
  }
  if (!any) return Seen::none;
  return all ? Seen::all : Seen::some;
}

bool kept(const ScoreMask& mask, std::int32_t query, std::int32_t key) {
  if (mask.block == 0) return true;
  const std::int32_t in_row = (mask.keys + mask.block - 1) / mask.block;
  return mask.kept[query / mask.block * in_row + key / mask.block] != 0;
}

}  // namespace

TileList list_tiles(const ScoreMask& mask, std::int32_t queries) {
  TileList list;
  list.offsets.push_back(0);
  for (std::int32_t query = 0; query < queries; query += kTileQueries) {
    for (std::int32_t key = 0; key < mask.keys; key += kTileKeys) {
      if (!kept(mask, query, key)) continue;
      const Seen seen = seen_in_tile(mask, queries, query, key);
      if (seen != Seen::none) list.entries.push_back(2 * (key / kTileKeys) + (seen == Seen::some ? 1 : 0));
    }
    list.offsets.push_back(static_cast<std::int32_t>(list.entries.size()));
  }
  return list;
}

}  // namespace sparsesim::measure
