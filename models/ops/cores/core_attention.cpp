#include "models/ops/cores/core_attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/limits.h"
#include "models/ops/op.h"

namespace sparsesim {
namespace {

// Tasks of a launch at most; beyond, each stands for the same block of queries of several heads.
constexpr double kHeadTasksMost = 4096;

class Lowering {
 public:
  Lowering(const AttentionSize& size, const Kernel& kernel, const Core& core, const Ideal& ideal)
      : size_(size),
        kernel_(kernel),
        loop_(attention_loop(kernel)),
        core_(core),
        ideal_(ideal),
        lanes_(core.lanes(size.dtype)),
        head_dim_(static_cast<double>(size.head_dim)),
        width_(ideal.padding ? head_dim_ : std::ceil(head_dim_ / lanes_) * lanes_) {}

  /// One block of queries of one head.
  CoreWork block(const TileBlocks& tile) const {
    const double rows = static_cast<double>(tile.rows), keys = kernel_.tile_n;
    const double full = rows * keys * static_cast<double>(tile.blocks());
    const double share = ideal_.padding && full > 0 ? std::min(1.0, static_cast<double>(tile.needed) / full) : 1;
    const double tiles = static_cast<double>(tile.blocks()) * share;
    const double bytes = element_bytes(size_.dtype);
    CoreWork work;
    add_product(work, tiles, rows, keys, head_dim_);
    add_product(work, tiles, rows, width_, keys);
    // The softmax of a tile lies between its products: nothing of them is left to hide it.
    work.special_cycles += tiles * rows * (loop_.row_cycles + keys / lanes_ * loop_.score_issue / core_.issue);
    if (!ideal_.padding) work.serial_cycles += static_cast<double>(tile.masked) * rows * keys * loop_.mask_cycles;
    work.useful_macs = 2 * static_cast<double>(tile.needed) * head_dim_;
    work.result_bytes = rows * head_dim_ * bytes;
    work.cold_bytes = rows * head_dim_ * bytes;
    return work;
  }

 private:
  /// [rows, depth] times [depth, columns], `times` over.
  void add_product(CoreWork& work, double times, double rows, double columns, double depth) const {
    const double tiles = times * rows / loop_.rows * columns / (loop_.vectors * lanes_);
    const double results = loop_.rows * loop_.vectors, rate = core_.multiplies(size_.dtype);
    work.multiply_cycles += tiles * depth * results / rate;
    if (!ideal_.padding) work.chain_cycles += tiles * depth * core_.multiply_latency;
    work.load_cycles += tiles * depth * (loop_.rows + loop_.vectors) * core_.vector_bytes / core_.loads_bytes;
    work.issue_cycles += tiles * depth * (results + loop_.rows + loop_.vectors) / core_.issue;
    work.serial_cycles += tiles * loop_.product_cycles;
    work.issued_macs += tiles * depth * results * lanes_;
  }

  const AttentionSize& size_;
  const Kernel& kernel_;
  const AttentionLoop loop_;
  const Core& core_;
  const Ideal& ideal_;
  const double lanes_, head_dim_, width_;
};

}  // namespace

AttentionLoop attention_loop(const Kernel& kernel) {
  static constexpr std::array<std::pair<const char*, double AttentionLoop::*>, 6> kNames = {{
      {"rows", &AttentionLoop::rows},
      {"vectors", &AttentionLoop::vectors},
      {"score_issue", &AttentionLoop::score_issue},
      {"row_cycles", &AttentionLoop::row_cycles},
      {"product_cycles", &AttentionLoop::product_cycles},
      {"mask_cycles", &AttentionLoop::mask_cycles},
  }};
  AttentionLoop loop;
  read_core_constants(kernel, kNames, loop);
  return loop;
}

Launch lower_cores_attention(const AttentionSize& size, const Kernel& kernel, const BlockMap& map,
                             const Substrate& substrate, const Ideal& ideal) {
  const Core core = core_of(substrate);
  const Lowering lowering(size, kernel, core, ideal);
  const double heads = static_cast<double>(size.batch * size.heads), keys = static_cast<double>(size.keys);
  const double blocks = static_cast<double>(map.tiles.size());
  require_at_most(blocks, kTasksMost, "blocks of queries");
  const double merged = std::ceil(heads * blocks / std::max(kHeadTasksMost, blocks));
  // Keys and values of a head come from DRAM once; each block of queries reads its tiles from where they then lie.
  const double head_bytes = 2 * keys * static_cast<double>(size.head_dim) * element_bytes(size.dtype);
  const double shared = static_cast<double>(size.kv_heads) / static_cast<double>(size.heads);
  const Residence where = residence(core, {1, head_bytes, 0}, 0, core.cores());
  double all = 0;
  for (const TileBlocks& tile : map.tiles) all += static_cast<double>(tile.blocks());
  std::vector<CoreWork> tasks;
  for (double head = 0; head < heads; head += merged)
    for (std::size_t i = map.tiles.size(); i-- > 0;) {
      CoreWork work = lowering.block(map.tiles[i]);
      const double read = static_cast<double>(map.tiles[i].blocks()) * kernel.tile_n / keys * head_bytes;
      const double first = all > 0 ? std::min(1.0, blocks * shared / all) : 0;
      work.load_cycles += load_cycles(core, where, read);
      work.cold_bytes += read * (first + (1 - first) * where.dram);
      work.shared_bytes += read * (1 - first) * where.shared;
      tasks.push_back(std::min(merged, heads - head) * work);
    }
  return core_launch("attention", kernel, size.dtype, tasks, core.cores() > 1, substrate);
}

}  // namespace sparsesim
