#pragma once
// Runs of equal cells of a mask, for pictures.

#include <cstdint>
#include <vector>

#include "models/evaluate/inspect/svg.h"
#include "models/sparsity/granule_use.h"

namespace sparsesim {

/// A mask as density per cell of `tall` x `wide` places; cells at the lower and right edge may be cut.
struct DensityMap {
  std::int64_t tall = 1, wide = 1;
  std::int64_t rows = 0, columns = 0;  // of cells
  double most = 0;                     // density of the fullest cell
  std::vector<std::vector<CellRun>>
      runs;  // [levels], of cells in (0, most / levels], (most / levels, 2 most / levels] ..
};
/// At most `side` cells along a side.
DensityMap density_map(const Mask& mask, std::int64_t side, std::int64_t levels);

/// A part of a mask.
struct Part {
  std::int64_t row = 0, column = 0, rows = 1, columns = 1;
};
/// Of the parts of at most `side` x `side` places side by side, the first whose density is nearest to the mean: of rows
/// first, then of columns in them.
Part typical_part(const Mask& mask, std::int64_t side);
/// Stored places of a part, and granules without one, counted from its upper left corner.
std::vector<CellRun> stored_runs(const Mask& mask, const Part& part);
std::vector<CellRun> free_runs(const Mask& mask, const Part& part, Granule granule);

}  // namespace sparsesim
