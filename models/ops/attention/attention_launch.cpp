// The launch of an attention kernel: tiles become tasks, blocks of keys become steps.

#include <algorithm>
#include <cmath>
#include <vector>

#include "models/ops/attention/attention_kernel.h"
#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/limits.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

// Tasks of a launch at most; adjacent tiles are merged beyond it. 4096 tasks are 31 waves of 132 units: the tail of a
// merged grid is then wrong by less than 2 %. But merged tiles of a window reach over more keys at once than the real
// ones, too many for a small L2: short tasks are merged only from so many steps on.
constexpr std::int64_t kMostTasks = 4096, kMostShortTasks = 4 * kMostTasks, kMostSteps = 1 << 19;

// Tiles that one task runs one after the other, all against the same keys.
struct TileGroup {
  std::int64_t tiles = 0, blocks = 0, masked = 0;
  std::int64_t first = 0, last = 0;  // blocks touched by any of them
  std::int64_t rows = 0, needed = 0, needed_keys = 0, read_keys = 0;
  /// Blocks that are read at least once. Tiles of a sparse pattern may leave gaps between them.
  std::int64_t distinct() const { return std::min(last - first, blocks); }
};

void add(TileGroup& group, const TileBlocks& tile) {
  group.first = group.tiles == 0 ? tile.first : std::min(group.first, tile.first);
  group.last = std::max(group.last, tile.last);
  group.needed_keys = std::max(group.needed_keys, tile.needed_keys);
  group.tiles += 1;
  group.blocks += tile.blocks();
  group.masked += tile.masked;
  group.read_keys += tile.read_keys;
  group.rows += tile.rows;
  group.needed += tile.needed;
}

// Cut `part` of `splits` of a tile; needed work is shared in proportion to the blocks.
TileBlocks part_of(const TileBlocks& tile, std::int64_t part, std::int64_t splits) {
  if (splits == 1) return tile;
  const std::int64_t each = ceil_div(tile.blocks(), splits);
  TileBlocks cut = tile;
  cut.first = std::min(tile.last, tile.first + part * each);
  cut.last = std::min(tile.last, cut.first + each);
  const double share =
      static_cast<double>(cut.blocks()) / static_cast<double>(std::max<std::int64_t>(1, tile.blocks()));
  for (auto part_of_tile : {&TileBlocks::needed, &TileBlocks::needed_keys, &TileBlocks::read_keys, &TileBlocks::masked})
    cut.*part_of_tile = std::llround(share * static_cast<double>(tile.*part_of_tile));
  return cut;
}

// The tiles of one head in dispatch order, `merged` to a group; empty cuts are left out as the kernel returns at once.
std::vector<TileGroup> group_tiles(const std::vector<TileBlocks>& tiles, bool longest_first, std::int64_t splits,
                                   std::int64_t merged) {
  std::vector<TileGroup> groups;
  std::int64_t in_group = merged;
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    const TileBlocks& tile = tiles[longest_first ? tiles.size() - 1 - i : i];
    for (std::int64_t part = 0; part < splits; ++part) {
      const TileBlocks cut = part_of(tile, part, splits);
      if (cut.blocks() == 0) continue;
      if (in_group == merged) {
        groups.emplace_back();
        in_group = 0;
      }
      add(groups.back(), cut);
      ++in_group;
    }
  }
  return groups;
}

class Lowering {
 public:
  Lowering(const AttentionSize& size, const AttentionKernel& kernel, const BlockMap& map, std::int64_t splits,
           const Substrate& substrate, const Ideal& ideal, const TileLoop& loop)
      : loop_(loop),
        size_(size),
        kernel_(kernel),
        map_(map),
        splits_(splits),
        substrate_(substrate),
        ideal_(ideal),
        space_(score_space(size, kernel)),
        tile_scores_(static_cast<double>(space_.tile_rows * space_.tile_keys)),
        block_extent_(static_cast<double>(loop.by_keys ? space_.tile_rows : space_.tile_keys)),
        head_dim_(static_cast<double>(size.head_dim)),
        bytes_(element_bytes(size.dtype)),
        kept_bytes_(element_bytes(size.kept_dtype())) {}

  Launch launch() {
    Launch launch;
    launch.name = loop_.name;
    launch.kernel = kernel_.kernel->name;
    launch.dtype = size_.dtype;
    launch.tasks_per_unit = kernel_.kernel->tasks_per_unit;
    launch.persistent = kernel_.kernel->persistent;
    launch.fixed_seconds = substrate_.dispatch.graph_node + substrate_.dispatch.grid_start;
    const std::int64_t heads = kernel_.pack_heads ? size_.kv_heads : size_.heads;
    const auto tiles = static_cast<std::int64_t>(map_.tiles.size());
    const std::int64_t merged = merged_tiles(size_.batch * heads);
    if (merged < tiles || merged == 1)
      add_split_heads(launch, heads, merged);
    else
      add_whole_heads(launch, heads, ceil_div(merged, tiles));
    return launch;
  }

 private:
  // Heads that read the same blocks: the query heads of a key head, each a head of its own; queries are read by one.
  std::int64_t readers(std::int64_t heads) const { return loop_.by_keys ? 1 : heads / size_.kv_heads; }

  // Tiles of a task, of so many equal heads.
  std::int64_t merged_tiles(std::int64_t heads) const {
    const auto tiles = static_cast<std::int64_t>(map_.tiles.size());
    const std::int64_t most = std::max<std::int64_t>(1, ceil_div(heads * tiles, kMostTasks));
    if (most >= tiles) return most;
    std::int64_t steps = 0;
    for (const TileBlocks& tile : map_.tiles) steps += heads * tile.blocks();
    return std::clamp(ceil_div(steps, kMostSteps), ceil_div(heads * tiles, kMostShortTasks), most);
  }

  // Tasks of part of a head. Kernels that start the longest tiles first interleave the heads of a sequence.
  void add_split_heads(Launch& launch, std::int64_t heads, std::int64_t merged) {
    const auto groups = group_tiles(map_.tiles, kernel_.longest_first, splits_, merged);
    for (const TileGroup& group : groups) launch.shapes.push_back(shape(group, 1));
    const auto count = static_cast<std::int64_t>(groups.size());
    const std::int64_t shared = readers(heads), panels = heads / shared;
    const auto add_task = [&](std::int64_t sequence, std::int64_t head, std::int64_t group) {
      const auto panel = static_cast<std::uint32_t>(1 + sequence * panels + head / shared);
      Task task;
      task.shape = static_cast<std::uint32_t>(group);
      task.panel = {panel, 0, 0};
      const TileGroup& tiles = groups[static_cast<std::size_t>(group)];
      task.first_slice = static_cast<std::uint32_t>(tiles.last - tiles.distinct());
      launch.tasks.push_back(task);
    };
    launch.tasks.reserve(static_cast<std::size_t>(size_.batch * heads * count));
    if (kernel_.heads_outside) {
      for (std::int64_t head = 0; head < heads; ++head)
        for (std::int64_t sequence = 0; sequence < size_.batch; ++sequence)
          for (std::int64_t group = 0; group < count; ++group) add_task(sequence, head, group);
      return;
    }
    for (std::int64_t sequence = 0; sequence < size_.batch; ++sequence) {
      if (kernel_.longest_first) {
        for (std::int64_t group = 0; group < count; ++group)
          for (std::int64_t head = 0; head < heads; ++head) add_task(sequence, head, group);
      } else {
        for (std::int64_t head = 0; head < heads; ++head)
          for (std::int64_t group = 0; group < count; ++group) add_task(sequence, head, group);
      }
    }
  }

  // Tasks of several whole heads: many short sequences.
  void add_whole_heads(Launch& launch, std::int64_t heads, std::int64_t merged) {
    const auto groups =
        group_tiles(map_.tiles, kernel_.longest_first, splits_, static_cast<std::int64_t>(map_.tiles.size()) * splits_);
    if (groups.empty()) return;
    if (kernel_.heads_outside && heads * ceil_div(size_.batch, merged) <= 2 * kMostTasks)
      return add_sequences(launch, heads, groups.front(), merged);
    const std::int64_t all = size_.batch * heads;
    const double sharing = static_cast<double>(readers(heads));
    launch.shapes.push_back(shape(groups.front(), merged, sharing));
    if (all % merged != 0) launch.shapes.push_back(shape(groups.front(), all % merged, sharing));
    for (std::int64_t i = 0; i < ceil_div(all, merged); ++i) {
      Task task;
      task.shape = (i + 1) * merged > all ? 1 : 0;
      task.panel = {static_cast<std::uint32_t>(1 + i), 0, 0};
      launch.tasks.push_back(task);
    }
  }

  // Tasks of one head of several sequences, which share nothing.
  void add_sequences(Launch& launch, std::int64_t heads, const TileGroup& group, std::int64_t merged) {
    const std::int64_t each = std::min(merged, size_.batch), count = ceil_div(size_.batch, each);
    launch.shapes.push_back(shape(group, each));
    if (size_.batch % each != 0) launch.shapes.push_back(shape(group, size_.batch % each));
    for (std::int64_t head = 0; head < heads; ++head)
      for (std::int64_t i = 0; i < count; ++i) {
        Task task;
        task.shape = (i + 1) * each > size_.batch ? 1 : 0;
        task.panel = {static_cast<std::uint32_t>(1 + head / readers(heads) * count + i), 0, 0};
        launch.tasks.push_back(task);
      }
  }

  // A step is one block of keys and values that the group touches; tiles that touch it again read it from L2.
  // heads: equal heads run one after the other; sharing: how many of them read the same keys.
  TaskShape shape(const TileGroup& group, std::int64_t heads, double sharing = 1) const {
    const double n = static_cast<double>(heads), blocks = static_cast<double>(group.blocks);
    const double distinct = static_cast<double>(group.distinct());
    const double fetched = std::max(1.0, std::ceil(distinct * n / std::min(n, sharing)));
    TaskShape shape;
    shape.steps = step_count(fetched, "blocks of keys in one task");
    shape.stages = kernel_.kernel->stages + (kernel_.loads_ahead ? 1 : 0);
    shape.pipes_overlap = kernel_.pipes_overlap;
    set_cycles(shape, group, blocks * n / fetched);
    // Of a block, what is loaded: all of it, unless the kernel reads page by page.
    const double loaded = group.read_keys > 0 ? static_cast<double>(group.read_keys) / (blocks * block_extent_) : 1.0;
    const double block_bytes = loop_.block_vectors * block_extent_ * loaded * head_dim_ * kept_bytes_;
    const double used = std::min(1.0, static_cast<double>(group.needed_keys) / (distinct * block_extent_ * loaded));
    shape.streams.push_back({block_bytes * used, block_bytes, true});
    const double row_bytes = n * static_cast<double>(group.rows) * loop_.row_vectors * head_dim_ * bytes_ / fetched;
    shape.streams.push_back({row_bytes, row_bytes, false});
    const double added = loop_.added_bytes * block_extent_ * head_dim_ * blocks * n / fetched;
    const double again = block_bytes * (blocks * n - fetched) / fetched + added;
    if (again > 0)
      shape.streams.push_back({.bytes_per_step = again, .line_bytes_per_step = again, .resident = added > 0});
    shape.prologue_cycles =
        n * static_cast<double>(group.tiles) *
        (kernel_.tile_cycles + kernel_.trips * substrate_.memory.dram_latency * substrate_.compute.clock);
    if (!ideal_.metadata) shape.prologue_cycles += n * blocks * kernel_.index_cycles;
    const double results = n * static_cast<double>(group.rows) * loop_.result_vectors * head_dim_;
    if (splits_ > 1)
      shape.scratch_bytes = results * 4;  // FP32 partial results, read back by the combine pass
    else
      shape.store_bytes = results * element_bytes(size_.result_dtype());
    shape.useful_macs = loop_.products * n * static_cast<double>(group.needed) * head_dim_;
    shape.issued_macs = ideal_.padding ? shape.useful_macs : loop_.products * n * blocks * tile_scores_ * head_dim_;
    return shape;
  }

  void set_cycles(TaskShape& shape, const TileGroup& group, double blocks_per_step) const {
    const Pipes& pipes = substrate_.compute.pipes;
    const double full = static_cast<double>(group.blocks) * tile_scores_;
    const double scores =
        blocks_per_step * tile_scores_ * (ideal_.padding ? static_cast<double>(group.needed) / full : 1.0);
    const TensorRate& unit = pipes.tensor.at(size_.dtype);
    const double rate = unit.dense * fp32_share(unit) * pipes.tensor_sustained * kernel_.matrix_share;
    const double operands = blocks_per_step * kernel_.operand_reads * loop_.block_vectors * block_extent_ * head_dim_;
    const double operand_bytes = operands * bytes_;  // fragments of fewer bits come in as many loads
    const double bank_width = substrate_.compute.scratchpad_banks * substrate_.compute.scratchpad_bank_bytes;
    const double exposed = kernel_.pipes_overlap ? 1.0 : kernel_.softmax_exposed;
    auto& cycles = shape.cycles_per_step;
    cycles[static_cast<int>(Pipe::tensor)] =
        2 * loop_.products * scores * head_dim_ / rate + kernel_.operand_exposed * operand_bytes / bank_width;
    cycles[static_cast<int>(Pipe::special)] = exposed * scores / pipes.special;
    // Lanes do one operation per cycle; the rate counts an FMA as two.
    const double masked = static_cast<double>(group.masked) / static_cast<double>(group.blocks);
    cycles[static_cast<int>(Pipe::vector)] =
        exposed * scores * (kernel_.softmax_ops + masked * kernel_.mask_ops) * 2 / pipes.vector;
    // Every warp unpacks what it reads.
    if (kept_bytes_ < bytes_)
      cycles[static_cast<int>(Pipe::vector)] += exposed * operands * kernel_.unpack_ops * 2 / pipes.vector;
  }

  const TileLoop loop_;
  const AttentionSize& size_;
  const AttentionKernel& kernel_;
  const BlockMap& map_;
  const std::int64_t splits_;
  const Substrate& substrate_;
  const Ideal& ideal_;
  const ScoreSpace space_;
  const double tile_scores_;
  const double block_extent_;  // keys or queries of a block
  const double head_dim_;
  const double bytes_;
  const double kept_bytes_;  // of an element of keys and values
};

}  // namespace

Launch lower_attention_kernel(const AttentionSize& size, const AttentionKernel& kernel, const BlockMap& map,
                              std::int64_t splits, const Substrate& substrate, const Ideal& ideal,
                              const TileLoop& loop) {
  return Lowering(size, kernel, map, splits, substrate, ideal, loop).launch();
}

}  // namespace sparsesim
