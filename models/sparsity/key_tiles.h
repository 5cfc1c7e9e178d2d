#pragma once
// The blocks of an attention score matrix as a backward kernel walks them: tiles of keys against blocks of queries.

#include "models/sparsity/block_map.h"

namespace sparsesim {

/// Tile t holds the keys [t, t + 1) * space.tile_keys, its blocks are those of space.tile_rows queries that see one of
/// them. In the tiles found, `rows` are keys that exist and `needed_keys` queries that see one of the tile's keys; like
/// the forward map's, blocks count as neighbours that end at the last one. savings are left empty.
/// Valid for queries == keys and group == 1. Closed form: dense, causal, or a window (`space.window`).
BlockMap key_tile_map(const ScoreSpace& space);
/// The same for any pattern, by a pass over the runs of every query; `space.window` is ignored.
BlockMap key_tile_map(const ScoreSpace& space, const KeySets& sets);
/// The same where every block of the dense (or causal) kernel is computed and masked.
BlockMap masked_key_tile_map(const ScoreSpace& space, const KeySets& sets);
/// Packed documents, each on tiles of its own.
BlockMap document_key_tile_map(const ScoreSpace& space, const KeySets& sets);

}  // namespace sparsesim
