#include "models/evaluate/inspect/mask_cells.h"

#include <algorithm>
#include <cmath>

#include "sim/core/counts.h"

namespace sparsesim {
namespace {

/// Adds a cell to the run before it, where it continues that.
void append(std::vector<CellRun>& runs, std::int64_t row, std::int64_t column, std::int64_t length = 1) {
  if (!runs.empty() && runs.back().row == row && runs.back().column + runs.back().length == column)
    runs.back().length += length;
  else
    runs.push_back({row, column, length});
}

/// The first part whose count is nearest to the mean of all.
std::int64_t nearest_to_mean(const std::vector<std::int64_t>& counts) {
  double total = 0;
  for (const std::int64_t count : counts) total += real(count);
  const double mean = total / static_cast<double>(counts.size());
  const auto nearer = [&](std::int64_t a, std::int64_t b) {
    return std::abs(real(a) - mean) < std::abs(real(b) - mean);
  };
  return std::min_element(counts.begin(), counts.end(), nearer) - counts.begin();
}

}  // namespace

DensityMap density_map(const Mask& mask, std::int64_t side, std::int64_t levels) {
  DensityMap map;
  map.tall = ceil_div(mask.rows, side);
  map.wide = ceil_div(mask.columns, side);
  map.rows = ceil_div(mask.rows, map.tall);
  map.columns = ceil_div(mask.columns, map.wide);
  std::vector<double> density(at(map.rows * map.columns));
  for (std::int64_t row = 0; row < mask.rows; ++row)
    for (const std::int32_t column : mask.row(row)) ++density[at(row / map.tall * map.columns + column / map.wide)];
  for (std::int64_t row = 0; row < map.rows; ++row)
    for (std::int64_t column = 0; column < map.columns; ++column) {
      double& cell = density[at(row * map.columns + column)];
      cell /= real(std::min(map.tall, mask.rows - row * map.tall)) *
              real(std::min(map.wide, mask.columns - column * map.wide));
      map.most = std::max(map.most, cell);
    }
  map.runs.resize(at(levels));
  for (std::int64_t row = 0; row < map.rows; ++row)
    for (std::int64_t column = 0; column < map.columns; ++column) {
      const double cell = density[at(row * map.columns + column)];
      if (cell == 0) continue;
      const auto level = static_cast<std::int64_t>(std::ceil(cell / map.most * real(levels))) - 1;
      append(map.runs[at(std::clamp<std::int64_t>(level, 0, levels - 1))], row, column);
    }
  return map;
}

Part typical_part(const Mask& mask, std::int64_t side) {
  Part part{0, 0, std::min(side, mask.rows), std::min(side, mask.columns)};
  std::vector<std::int64_t> bands(at(mask.rows / part.rows));
  for (std::size_t band = 0; band < bands.size(); ++band) {
    const auto first = band * at(part.rows);
    bands[band] = mask.offsets[first + at(part.rows)] - mask.offsets[first];
  }
  part.row = nearest_to_mean(bands) * part.rows;
  std::vector<std::int64_t> stripes(at(mask.columns / part.columns) + 1);
  for (std::int64_t row = part.row; row < part.row + part.rows; ++row)
    for (const std::int32_t column : mask.row(row)) ++stripes[at(column / part.columns)];
  stripes.pop_back();  // the cut one
  part.column = nearest_to_mean(stripes) * part.columns;
  return part;
}

std::vector<CellRun> stored_runs(const Mask& mask, const Part& part) {
  std::vector<CellRun> runs;
  for (std::int64_t row = 0; row < part.rows; ++row)
    for (const std::int32_t place : mask.row(part.row + row)) {
      const std::int64_t column = place - part.column;
      if (column >= 0 && column < part.columns) append(runs, row, column);
    }
  return runs;
}

std::vector<CellRun> free_runs(const Mask& mask, const Part& part, Granule granule) {
  std::vector<CellRun> runs;
  const Mask used = coarsen(mask, granule.rows, granule.columns);
  for (std::int64_t row = 0; row < part.rows; ++row) {
    const auto occupied = used.row((part.row + row) / granule.rows);
    for (std::int64_t column = part.column; column < part.column + part.columns;) {
      const std::int64_t index = column / granule.columns;
      const std::int64_t end = std::min((index + 1) * granule.columns, part.column + part.columns);
      if (!std::binary_search(occupied.begin(), occupied.end(), index))
        append(runs, row, column - part.column, end - column);
      column = end;
    }
  }
  return runs;
}

}  // namespace sparsesim
