#pragma once
// Which Triton tile vLLM's fused MoE kernel takes: its fallback rules and its table of tuned tiles.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "models/substrate/substrate.h"

namespace sparsesim {

/// Launch parameters of the fused MoE kernel.
struct MoeTile {
  int m = 64, n = 64, k = 32;  // rows, columns, depth of a task's tile
  int group = 1;               // row blocks visited before the next column of tiles
  int warps = 4, stages = 3;
};

/// Which generation of fallback rules holds where no tuned tile exists.
enum class MoeTileRule {
  experts,  // until 0.15: 16x32x64 for tokens <= experts, else 64x64x32. Source: vLLM 0.14.0, fused_moe.py
  tokens,   // since 0.16: grows with tokens. Source: vLLM pull request 34846
};
MoeTile default_moe_tile(MoeTileRule rule, std::int64_t tokens, std::int64_t experts);

/// Weights of 8 bits with a scale per `block` x `block`: a tile's depth and columns are a block.
/// Source: vLLM 0.14.0, fused_moe.py, get_default_config.
MoeTile scaled_moe_tile(std::int64_t tokens, std::int64_t block);

/// Tuned tiles of one layer shape on one device, as the library ships them.
struct TunedMoeTiles {
  std::string_view product;  // Substrate::product
  int experts, intermediate;
  std::string_view tiles;  // "tokens m n k group warps stages;..." in order of tokens
};
/// bf16/fp16 tables of vLLM 0.24.0 (those of 0.14.0 are the same where both exist).
std::span<const TunedMoeTiles> tuned_moe_tiles();

/// The tile for a call: tuned if the library has the shape (entry nearest in tokens), else by the rule.
MoeTile choose_moe_tile(std::string_view product, MoeTileRule rule, std::int64_t tokens, std::int64_t experts,
                        std::int64_t intermediate);
/// The tile that a kernel of a library is written for; nothing where its `tile` leaves it to a rule.
std::optional<MoeTile> own_moe_tile(const Kernel& kernel);

}  // namespace sparsesim
