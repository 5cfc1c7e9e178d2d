// A sparse product on cores as tasks: panels of activations and chunks of rows of weights.

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/ops/cores/core_spmm.h"
#include "models/ops/cores/core_tiles.h"
#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/limits.h"
#include "models/ops/weights/spmm_kernels.h"

namespace sparsesim {
namespace {

/// Panel by panel, all rows of weights each; several cores take chunks of rows as they become free.
std::vector<CoreWork> tasks_of(const SpmmSize& size, const SparseLoop& loop, const Core& core, const Ideal& ideal,
                               const RowCounts& rows) {
  const double m = static_cast<double>(size.m), panel = loop.panel_vectors * core.lanes(size.dtype);
  const std::size_t all = rows.units.size();
  const auto chunk_rows = static_cast<std::size_t>(loop.chunk_rows / static_cast<double>(size.block_n));
  std::size_t chunk = core.cores() > 1 ? std::max<std::size_t>(1, chunk_rows) : all;
  const double panels = std::ceil(m / panel);
  require_at_most(panels, kTasksMost, "panels of activations");
  const auto chunks = [&] { return std::ceil(static_cast<double>(all) / static_cast<double>(chunk)); };
  // Beyond so many tasks they are merged: the tail of the last ones is then wrong by less than 1 %.
  constexpr double kMostTasks = 4096;
  while (panels * chunks() > kMostTasks && chunk < all) chunk *= 2;
  std::vector<CoreWork> tasks;
  SparsePart part;
  part.sharers = chunks();
  for (double begin = 0; begin < m; begin += panel) {
    part.width = std::min(panel, m - begin);
    part.first_panel = begin == 0;
    for (std::size_t row = 0; row < all; row += chunk) {
      part.counts = std::span(rows.units).subspan(row, std::min(chunk, all - row));
      tasks.push_back(sparse_rows_work(size, loop, core, ideal, part));
    }
  }
  return tasks;
}

/// Rows of blocks in chunks, all columns of results at once.
std::vector<CoreWork> tile_tasks(const SpmmSize& size, const TileLoop& loop, const Core& core, const Ideal& ideal,
                                 const RowCounts& rows) {
  constexpr std::size_t kChunkRows = 64, kMostTasks = 4096;
  const std::size_t all = rows.units.size();
  const auto height = static_cast<std::size_t>(size.block_n);
  const std::size_t chunk = core.cores() > 1 ? std::max({std::size_t{1}, kChunkRows / height, all / kMostTasks}) : all;
  std::vector<CoreWork> tasks;
  SparsePart part;
  part.sharers = std::ceil(static_cast<double>(all) / static_cast<double>(chunk));
  for (std::size_t row = 0; row < all; row += chunk) {
    part.counts = std::span(rows.units).subspan(row, std::min(chunk, all - row));
    tasks.push_back(tile_rows_work(size, loop, core, ideal, part));
  }
  return tasks;
}

}  // namespace

Launch lower_cores_spmm(const SpmmSize& size, const LowerContext& context) {
  const Core core = core_of(context.substrate);
  if (size.transposed)
    throw UnsupportedError("no kernel for the product by the transpose on the cores of " + context.substrate.name);
  const RowCounts rows = parse_n_of_m(size.pattern)
                             ? equal_row_counts(size.n, size.k, static_cast<double>(size.n_kept) / size.n_of)
                             : size.row_counts(context.seed);
  const bool tiles = size.pattern == "block" && size.dtype != "fp32" && has_matrix_tiles(core, size.dtype);
  const char* op = tiles ? "cores_tiles" : "cores_spmm";
  std::vector<Launch> launches;
  for (const Kernel* kernel : core_kernels(context.substrate, op, size.pattern, size.dtype, size.kernel)) {
    const auto tasks = tiles ? tile_tasks(size, tile_loop(*kernel), core, context.ideal, rows)
                             : tasks_of(size, sparse_loop(*kernel), core, context.ideal, rows);
    launches.push_back(core_launch("spmm", *kernel, size.dtype, tasks, core.cores() > 1, context.substrate));
  }
  return fastest_launch(std::move(launches), context.substrate, context.ideal);
}

}  // namespace sparsesim
