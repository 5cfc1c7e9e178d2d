#include "models/ops/attention/attention_kernel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "models/ops/cores/core.h"
#include "models/ops/dense/gemm_kernels.h"
#include "models/sparsity/key_tiles.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

using Number = double AttentionKernel::*;
using Flag = bool AttentionKernel::*;
constexpr std::array<std::pair<const char*, Number>, 10> kNumbers = {{
    {"unpack_ops", &AttentionKernel::unpack_ops},
    {"softmax_exposed", &AttentionKernel::softmax_exposed},
    {"softmax_ops", &AttentionKernel::softmax_ops},
    {"matrix_share", &AttentionKernel::matrix_share},
    {"operand_reads", &AttentionKernel::operand_reads},
    {"operand_exposed", &AttentionKernel::operand_exposed},
    {"tile_cycles", &AttentionKernel::tile_cycles},
    {"trips", &AttentionKernel::trips},
    {"mask_ops", &AttentionKernel::mask_ops},
    {"index_cycles", &AttentionKernel::index_cycles},
}};
constexpr std::array<std::pair<const char*, Flag>, 9> kFlags = {{
    {"pack_heads", &AttentionKernel::pack_heads},
    {"longest_first", &AttentionKernel::longest_first},
    {"heads_outside", &AttentionKernel::heads_outside},
    {"loads_ahead", &AttentionKernel::loads_ahead},
    {"split_keys", &AttentionKernel::split_keys},
    {"scheduler_pass", &AttentionKernel::scheduler_pass},
    {"pipes_overlap", &AttentionKernel::pipes_overlap},
    {"decode_groups", &AttentionKernel::decode_groups},
    {"two_loops", &AttentionKernel::two_loops},
}};

bool is_packed(const AttentionSize& size) { return size.pattern == find_key_pattern("documents"); }

// What a kernel must be able to do, the best way first.
std::vector<std::string_view> abilities(const AttentionSize& size) {
  if (size.dense() && size.decode()) return {"decode", "dense"};
  if (size.dense()) return {"dense"};
  if (size.pattern == nullptr) return {"window"};
  if (size.mask_only) return {"blocks"};
  if (is_packed(size)) return {"documents", "blocks"};
  if (size.pattern == find_key_pattern("window")) return {"window", "blocks"};  // to both sides
  if (size.decode()) return {"pages", "blocks"};
  return {"blocks"};
}

// The instance for the smallest head dimension that holds the call's.
const Kernel* smallest_instance(const AttentionSize& size, const Substrate& substrate, std::string_view ability) {
  const std::string_view forward = on_cores(substrate) ? "cores_attention" : "attention";
  const std::string_view op = size.backward ? "attention_backward" : forward;
  const Kernel* best = nullptr;
  for (const Kernel& kernel : substrate.kernels) {
    if (kernel.op != op || !takes(kernel, std::string(ability), size.operands())) continue;
    if (!kernel.name.starts_with(size.kernel) || kernel.tile_k < size.head_dim) continue;
    if (best == nullptr || kernel.tile_k < best->tile_k) best = &kernel;
  }
  return best;
}

const Kernel* best_instance(const AttentionSize& size, const Substrate& substrate) {
  if (!substrate.compute.pipes.tensor.contains(size.dtype)) return nullptr;
  for (const std::string_view ability : abilities(size))
    if (const Kernel* found = smallest_instance(size, substrate, ability)) return found;
  return nullptr;
}

}  // namespace

std::string AttentionSize::operands() const { return kept_dtype() == dtype ? dtype : dtype + "x" + kept_dtype(); }

AttentionSize with_kept_type(AttentionSize size, const Substrate& substrate) {
  if (size.kv_dtype.empty()) return size;
  AttentionSize own = size;
  own.dtype = size.kv_dtype;
  return best_instance(own, substrate) != nullptr ? own : size;
}

AttentionKernel find_attention_kernel(const AttentionSize& size, const Substrate& substrate) {
  const Kernel* best = best_instance(size, substrate);
  if (best == nullptr)
    throw UnsupportedError("no " + (size.kernel.empty() ? "" : size.kernel + " ") +
                           (size.backward ? "attention_backward" : "attention") + " kernel for " + size.operands() +
                           " and head_dim " + std::to_string(size.head_dim) + " in the kernel library of " +
                           substrate.name);
  AttentionKernel kernel;
  kernel.kernel = best;
  if (on_cores(substrate)) return kernel;  // its constants are those of a loop
  for (const auto& [name, value] : best->constants) {
    const auto number =
        std::find_if(kNumbers.begin(), kNumbers.end(), [&known = name](const auto& row) { return known == row.first; });
    const auto flag =
        std::find_if(kFlags.begin(), kFlags.end(), [&known = name](const auto& row) { return known == row.first; });
    if (number != kNumbers.end())
      kernel.*(number->second) = value;
    else if (flag != kFlags.end())
      kernel.*(flag->second) = value != 0;
    else
      throw UnsupportedError("kernel " + best->name + ": attention knows no constant " + name +
                             " (docs/models/attention.md)");
  }
  // The heads of one key head become the rows of a tile, as the kernel's interface swaps them for a lone query.
  // Not under a window; but one that hides no key is none (flash_api.cpp drops it).
  const bool windowed = size.window > 0 && size.window < size.keys;
  if (kernel.decode_groups && size.decode() && !windowed && size.heads > size.kv_heads) kernel.pack_heads = true;
  return kernel;
}

ScoreSpace score_space(const AttentionSize& size, const AttentionKernel& kernel) {
  ScoreSpace space;
  space.queries = size.queries;
  space.keys = size.keys;
  space.group = kernel.pack_heads ? size.heads / size.kv_heads : 1;
  space.causal = size.causal;
  space.window = size.window;
  space.tile_rows = kernel.kernel->tile_m;
  space.tile_keys = kernel.kernel->tile_n;
  return space;
}

BlockMap attention_map(const AttentionSize& size, const AttentionKernel& kernel, std::uint64_t seed) {
  const ScoreSpace space = score_space(size, kernel);
  if (size.pattern == nullptr) return block_map(space);
  const KeySets sets(*size.pattern, size.sizes, size.span(), seed);
  if (size.mask_only) return masked_map(space, sets);
  const auto knows = [&](std::string_view ability) {
    return takes(*kernel.kernel, std::string(ability), size.operands());
  };
  if (is_packed(size) && knows("documents")) return document_map(space, sets);
  if (size.decode() && knows("pages")) return page_map(space, sets, std::max<std::int64_t>(1, size.sizes.page));
  return block_map(space, sets);
}

BlockMap attention_key_map(const AttentionSize& size, const AttentionKernel& kernel, std::uint64_t seed) {
  const ScoreSpace space = score_space(size, kernel);
  if (size.pattern == nullptr) return key_tile_map(space);
  const KeySets sets(*size.pattern, size.sizes, size.span(), seed);
  if (size.mask_only) return masked_key_tile_map(space, sets);
  if (is_packed(size) && takes(*kernel.kernel, "documents", size.operands())) return document_key_tile_map(space, sets);
  return key_tile_map(space, sets);
}

// FlashAttention 3's rule (hopper/heuristics.h): cut only where the tiles of one sequence leave a fifth of the units
// idle and there are more than four blocks; the fewest cuts within 15 % of the best wave efficiency; then no more than
// an even share of all blocks needs (its prepare kernel, with a margin of 10 %). FlashAttention 2 (num_splits_heuristic
// in csrc/flash_attn/flash_api.cpp) cuts a lone query only, counts the tiles of all sequences, two to a unit, and takes
// the cuts as they come.
std::int64_t key_splits(const AttentionSize& size, const AttentionKernel& kernel, const BlockMap& map,
                        const Substrate& substrate) {
  const bool second = kernel.decode_groups && kernel.pack_heads;
  if (!kernel.split_keys && !second) return 1;
  const ScoreSpace space = score_space(size, kernel);
  const auto count = static_cast<std::int64_t>(map.tiles.size());
  const double units = substrate.compute.units, slots = second ? 2 * units : units;
  const std::int64_t heads = kernel.pack_heads ? size.kv_heads : size.heads;
  std::int64_t longest = 0;
  for (const TileBlocks& tile : map.tiles) longest = std::max(longest, tile.blocks());
  const std::int64_t loaded = size.window > 0 ? std::min(size.keys, size.window + space.tile_rows) : size.keys;
  const std::int64_t blocks = size.pattern != nullptr ? longest : ceil_div(loaded, space.tile_keys);
  const double tiles = static_cast<double>(heads * count * (second ? size.batch : 1));
  if (tiles >= 0.8 * slots || (!second && blocks <= 4)) return 1;
  const std::int64_t most = std::min<std::int64_t>({128, static_cast<std::int64_t>(slots), blocks});
  const auto efficiency = [&](std::int64_t cuts) {
    const double waves = tiles * static_cast<double>(cuts) / slots;
    return waves / std::ceil(waves);
  };
  double best = 0;
  for (std::int64_t cuts = 1; cuts <= most; ++cuts) best = std::max(best, efficiency(cuts));
  std::int64_t allowed = 1;
  while (allowed < most && efficiency(allowed) < 0.85 * best) ++allowed;
  if (second) return allowed;
  const std::int64_t all_blocks = size.pattern != nullptr ? longest : ceil_div(size.keys, space.tile_keys);
  const double work = 1.1 * static_cast<double>(size.batch * heads * count * all_blocks);
  const auto share = static_cast<std::int64_t>(std::ceil(work / units));
  return std::clamp<std::int64_t>(ceil_div(all_blocks, share), 1, allowed);
}

}  // namespace sparsesim
