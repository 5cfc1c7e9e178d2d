#pragma once
// Grids on which times are simulated, and where a size lies between two of their points.

#include <cmath>
#include <cstdint>

namespace sparsesim {

/// A size between two points of a grid: (1 - weight) at `low`, weight at `high`.
struct Bracket {
  std::int64_t low = 0, high = 0;
  double weight = 0;
};

/// Captured sizes that vLLM pads a step to: 1, 2, 4, multiples of 8 up to 256, of 16 up to 512; nothing above.
/// Source: vLLM, VllmConfig._set_cudagraph_sizes.
inline constexpr std::int64_t kLargestGraph = 512;
inline std::int64_t padded_to_graph(std::int64_t tokens) {
  if (tokens <= 2) return tokens;
  if (tokens <= 4) return 4;
  const std::int64_t step = tokens <= 256 ? 8 : 16;
  return (tokens + step - 1) / step * step;
}

/// Rows of products: each up to 16 for itself; beyond, time jumps where a tile begins, so the two points are the first
/// and the last row of the same tile. Tiles are 8 rows up to 64, 64 up to 1024, then 128: those of matrix units.
inline Bracket row_bracket(std::int64_t rows) {
  if (rows <= 16) return {rows, rows, 0};
  const std::int64_t tile = rows <= 64 ? 8 : rows <= 1024 ? 64 : 128;
  const std::int64_t first = (rows - 1) / tile * tile + 1, last = first + tile - 1;
  return {first, last, static_cast<double>(rows - first) / static_cast<double>(last - first)};
}

/// Whole numbers up to 16, then four to each doubling: 16, 20, 24, 28, 32, 40, ...
inline Bracket scale_bracket(double size) {
  std::int64_t step = 1;
  while (size >= static_cast<double>(8 * step) && size > 16) step *= 2;
  const auto low = static_cast<std::int64_t>(std::floor(size / static_cast<double>(step))) * step;
  const double weight = (size - static_cast<double>(low)) / static_cast<double>(step);
  return {low, weight > 0 ? low + step : low, weight};
}

}  // namespace sparsesim
