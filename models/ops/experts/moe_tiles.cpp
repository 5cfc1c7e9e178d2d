#include "models/ops/experts/moe_tiles.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace sparsesim {
namespace {

// Next integer of a table entry; the tables are ours, so they are well formed.
int next_integer(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty()) text.remove_prefix(1);
  return value;
}

MoeTile nearest_tile(std::string_view tiles, std::int64_t tokens) {
  MoeTile best;
  std::int64_t best_distance = -1;
  while (!tiles.empty()) {
    const int at = next_integer(tiles);
    MoeTile tile;
    for (int* field : {&tile.m, &tile.n, &tile.k, &tile.group, &tile.warps, &tile.stages}) *field = next_integer(tiles);
    const std::int64_t distance = std::llabs(at - tokens);
    if (best_distance >= 0 && distance >= best_distance) continue;
    best_distance = distance;
    best = tile;
  }
  return best;
}

}  // namespace

MoeTile default_moe_tile(MoeTileRule rule, std::int64_t tokens, std::int64_t experts) {
  MoeTile tile;
  if (rule == MoeTileRule::experts) {
    if (tokens <= experts) return {16, 32, 64, 1, 4, 3};
    return {64, 64, 32, 8, 4, 3};
  }
  tile.m = tokens <= 32 ? 16 : tokens <= 96 ? 32 : tokens <= 512 ? 64 : 128;
  tile.n = tokens <= 64 ? 64 : 128;
  tile.k = tokens <= 64 ? 128 : 64;
  tile.group = tokens / experts > 128 ? 16 : 1;
  tile.warps = tokens <= 128 ? 4 : 8;
  tile.stages = tokens <= 32 ? 4 : 3;
  return tile;
}

MoeTile choose_moe_tile(std::string_view product, MoeTileRule rule, std::int64_t tokens, std::int64_t experts,
                        std::int64_t intermediate) {
  for (const TunedMoeTiles& tuned : tuned_moe_tiles())
    if (tuned.product == product && tuned.experts == experts && tuned.intermediate == intermediate)
      return nearest_tile(tuned.tiles, tokens);
  return default_moe_tile(rule, tokens, experts);
}

std::optional<MoeTile> own_moe_tile(const Kernel& kernel) {
  if (kernel.tile_m < 1) return std::nullopt;
  MoeTile tile;
  tile.m = kernel.tile_m;
  tile.n = kernel.tile_n;
  tile.k = kernel.tile_k;
  tile.stages = kernel.stages;
  return tile;
}

MoeTile scaled_moe_tile(std::int64_t tokens, std::int64_t block) {
  const int side = static_cast<int>(std::clamp<std::int64_t>(block, 32, 128));
  return {.m = tokens <= 64 ? 16 : 64, .n = side, .k = side, .group = tokens <= 16 ? 1 : 32, .warps = 4, .stages = 3};
}

}  // namespace sparsesim
