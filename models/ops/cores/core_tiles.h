#pragma once
// Blocks of weights on a core's matrix tiles (AMX).

#include <cstdint>
#include <span>

#include "models/ops/cores/core_spmm.h"

namespace sparsesim {

/// How a kernel (op `cores_tiles`) walks blocks: two by two tiles of results where they fit, else one by two.
struct TileLoop {
  double index_bytes = 4;  // of a block
  double row_cycles = 0;   // per 32 x 32 results: stored, rounded, written
  double unit_cycles = 0;  // per block and tiles of results: its address, of which nothing hides
};
/// Errors: UnsupportedError for a constant that it does not know.
TileLoop tile_loop(const Kernel& kernel);

/// Whether the type has matrix tiles on this core: steps of several rows and columns.
bool has_matrix_tiles(const Core& core, const std::string& dtype);

/// Cycles of one product of tiles with `rows` rows of weights: their number, or the floor.
double tile_product_cycles(const Core& core, const std::string& dtype, double rows);

/// What rows of blocks with `counts` stored blocks each cost; all columns of results.
/// Errors: UnsupportedError for blocks that are no multiples of half a tile.
CoreWork tile_rows_work(const SpmmSize& size, const TileLoop& loop, const Core& core, const Ideal& ideal,
                        const SparsePart& part);

}  // namespace sparsesim
