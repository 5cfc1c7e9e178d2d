#pragma once
// Blocks of weights times a panel of activations: a tile of results in registers, each activation read once per tile.

#include "validate/measure/cpu/kernels/csr_loops.h"

namespace sparsesim::measure {
namespace {

/// Weights that a row of blocks asks for, some lines at each block that its tiles meet: those of the next row that has
/// any.
struct WeightsAhead {
  const float *next, *end;
  std::int64_t lines = 0;  // at a block

  template <class S>
  [[gnu::always_inline]] void ask() {
    if constexpr (S::fetches_ahead)
      for (std::int64_t i = 0; i < lines && next < end; ++i, next += kLineBytes / 4) __builtin_prefetch(next);
  }
};

/// One row of blocks and the operands at the panel's first column.
struct BlockRow {
  const BlockMatrix& w;
  std::int64_t first, last;  // blocks
  std::int64_t rows;         // of the matrix that are in it
  const float* x;
  std::int64_t distance;  // of rows of x
  float* y;
  std::int64_t m;  // of rows of y
  WeightsAhead& ahead;

  std::int64_t columns(std::int64_t block) const {
    const std::int64_t left = w.columns - w.column[block] * w.width;
    return left < w.width ? left : w.width;
  }
};

inline BlockRow block_row(const BlockMatrix& w, const Panel& x, float* y, const Part& part, std::int64_t row,
                          WeightsAhead& ahead) {
  const std::int64_t left = w.rows - row * w.height;
  return {w,
          w.start[row],
          w.start[row + 1],
          left < w.height ? left : w.height,
          x.x,
          x.distance,
          y + row * w.height * part.m + part.begin,
          part.m,
          ahead};
}

template <class S, int R, int V>
struct Tile {
  typename S::Vector sum[R][V];

  /// One column of R weights times one row of V registers of activations.
  template <bool Tail>
  [[gnu::always_inline]] void add(const float* weights, const float* x, typename S::Mask mask) {
    typename S::Vector activations[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v)
      activations[v] = Tail && v == V - 1 ? S::load(x + v * S::lanes, mask) : S::load(x + v * S::lanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const auto weight = S::broadcast(weights + r);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[r][v] = S::multiply_add(weight, activations[v], sum[r][v]);
    }
  }
};

/// Large: blocks of several columns and more than a line.
template <class S, int R, int V, bool Tail, bool Large>
void block_tile(const BlockRow& at, std::int64_t row, std::int64_t column, typename S::Mask mask) {
  Tile<S, R, V> tile;
  for (auto& sums : tile.sum)
    for (auto& vector : sums) vector = S::zero();
  const std::int64_t height = at.w.height, width = at.w.width, distance = at.distance, m = at.m;
  const float* weights = at.w.value + at.first * height * width + row;
  // Small blocks have as much of the next row behind them as this row takes.
  const std::int64_t behind = larger(kAhead, (at.last - at.first) * height * width);
  WeightsAhead ahead = at.ahead;
  if (row == 0 && column == 0) fetch_ahead<S>(at.w.column + at.first, at.last - at.first, kAhead);
  if (!Large && width == 1) {
    for (std::int64_t block = at.first; block < at.last; ++block, weights += height) {
      if (column == 0) fetch_ahead<S>(weights, 1, behind);
      tile.template add<Tail>(weights, at.x + at.w.column[block] * distance + column, mask);
    }
  } else {
    for (int r = 0; r < R; ++r) fetch_to_write<S>(at.y + (row + r) * m + column, V * S::lanes);
    for (std::int64_t block = at.first; block < at.last; ++block, weights += height * width) {
      if constexpr (Large) {
        ahead.template ask<S>();
      } else {
        fetch_ahead<S>(weights, 1, behind);
      }
      const float* x = at.x + at.w.column[block] * width * distance + column;
      const float* weight = weights;
      const std::int64_t columns = at.columns(block);
#pragma GCC unroll 4
      for (std::int64_t k = 0; k < columns; ++k, x += distance, weight += height)
        tile.template add<Tail>(weight, x, mask);
    }
  }
  if constexpr (Large) at.ahead.next = ahead.next;
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    float* y = at.y + (row + r) * m + column;
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      if (Tail && v == V - 1) {
        S::store(y + v * S::lanes, tile.sum[r][v], mask);
      } else {
        S::store(y + v * S::lanes, tile.sum[r][v]);
      }
    }
  }
}

/// Registers of columns in a tile of R rows: results, activations and one weight are in registers; of a single row only
/// results are.
template <class S>
constexpr int tile_vectors(std::int64_t rows) {
  return rows == 1 ? S::block_panel_vectors : smaller(4, (S::registers - 1) / (static_cast<int>(rows) + 1));
}

/// Rows of a tile of so many registers of columns.
constexpr int rows_most(int vectors) { return vectors == 1 ? 8 : 4; }

/// Tiles of R rows as long as they fit, then of fewer, until none is left.
template <class S, int R, int V, bool Tail, bool Large>
void block_tiles(const BlockRow& at, std::int64_t row, std::int64_t column, typename S::Mask mask) {
  if constexpr (V <= larger(1, tile_vectors<S>(R))) {
    for (; row + R <= at.rows; row += R) block_tile<S, R, V, Tail, Large>(at, row, column, mask);
  }
  if constexpr (R > 1) {
    if (row < at.rows) block_tiles<S, (R > 4 ? 4 : R - 1), V, Tail, Large>(at, row, column, mask);
  }
}

template <class S>
struct BlockTilesCall {
  const BlockRow& at;
  std::int64_t column, width;
  template <int V, bool Tail>
  void run() const {
    const auto mask = S::first(width - (V - 1) * S::lanes);
    if (S::fetches_ahead && at.w.width > 1 && at.w.height * at.w.width > kLineBytes / 4) {
      block_tiles<S, rows_most(V), V, Tail, S::fetches_ahead>(at, 0, column, mask);
    } else {
      block_tiles<S, rows_most(V), V, Tail, false>(at, 0, column, mask);
    }
  }
};

/// One activation, blocks a register high or more, or of a height that does not divide it: values of a column fill
/// registers, the last one masked, and the activation is broadcast.
template <class S, int V, bool Tail>
void tall_blocks_vector(const BlockRow& at, std::int64_t row, typename S::Mask mask) {
  constexpr int U = smaller(4, 8 / V);
  RowSums<S, V, U> sums;
  const std::int64_t height = at.w.height, width = at.w.width;
  const float* values = at.w.value + at.first * height * width + row;
  if (width == 1) {
    std::int64_t block = at.first;
    for (; block + U <= at.last; block += U, values += U * height) {
#pragma GCC unroll 4
      for (int u = 0; u < U; ++u) sums.template add<Tail>(u, at.x + at.w.column[block + u], values + u * height, mask);
    }
    for (; block < at.last; ++block, values += height)
      sums.template add<Tail>(0, at.x + at.w.column[block], values, mask);
  } else {
    for (std::int64_t block = at.first; block < at.last; ++block, values += height * width) {
      const float* x = at.x + at.w.column[block] * width;
      const std::int64_t columns = at.columns(block);
      std::int64_t k = 0;
      for (; k + U <= columns; k += U) {
#pragma GCC unroll 4
        for (int u = 0; u < U; ++u) sums.template add<Tail>(u, x + k + u, values + (k + u) * height, mask);
      }
      for (; k < columns; ++k) sums.template add<Tail>(0, x + k, values + k * height, mask);
    }
  }
  sums.template store<Tail>(at.y + row, mask);
}

template <class S>
struct TallBlocksCall {
  const BlockRow& at;
  std::int64_t row, rows;
  template <int V, bool Tail>
  void run() const {
    tall_blocks_vector<S, V, Tail>(at, row, S::first(rows - (V - 1) * S::lanes));
  }
};

/// One activation, several columns of a block in a register: lane l holds row l % height of column l / height.
template <class S>
struct FlatSums {
  const BlockRow& at;
  const std::int64_t height = at.w.height, width = at.w.width, together = S::lanes / height;
  typename S::Index column_of;
  typename S::Vector sum[2] = {S::zero(), S::zero()};
  std::int64_t rest = at.last;  // vectors from here on fill no register: they are added one by one

  explicit FlatSums(const BlockRow& row) : at(row), column_of(S::lanes_over(height)) {}

  void add(int set, const float* value, typename S::Vector x) {
    sum[set] = S::multiply_add(S::load(value), S::permute(x, column_of), sum[set]);
  }
  void add_some(const float* value, typename S::Vector x, std::int64_t columns) {
    const auto mask = S::first((columns < together ? columns : together) * height);
    // Processors fetch nothing ahead for masked loads: whole ones read on, at most past the last value into the slack.
    if constexpr (S::cheap_masks)
      sum[0] = S::multiply_add(S::load(value), S::permute(x, column_of), sum[0], mask);
    else
      sum[0] = S::multiply_add(S::load(value, mask), S::permute(x, column_of), sum[0]);
  }

  /// Blocks of one column: their activations are gathered.
  void add_vectors() {
    const float* values = at.w.value + at.first * height;
    std::int64_t block = at.first;
    const auto x = [&](std::int64_t first) {
      const std::int32_t* column = at.w.column + first;
      return together == S::lanes ? S::gather(at.x, column) : S::gather_first(at.x, column, together);
    };
    for (; block + 2 * together <= at.last; block += 2 * together, values += 2 * S::lanes) {
      add(0, values, x(block));
      add(1, values + S::lanes, x(block + together));
    }
    if (block + together <= at.last) {
      add(0, values, x(block));
      block += together;
    }
    rest = block;
  }

  /// Blocks of as many columns as a register holds: two of them take turns.
  void add_whole_blocks() {
    const float* values = at.w.value + at.first * S::lanes;
    std::int64_t block = at.first;
    for (; block + 2 <= at.last; block += 2, values += 2 * S::lanes) {
      add(0, values, S::load(at.x + at.w.column[block] * width));
      add(1, values + S::lanes, S::load(at.x + at.w.column[block + 1] * width));
    }
    if (block < at.last) add(0, values, S::load(at.x + at.w.column[block] * width));
  }

  void add_blocks() {
    if (S::fetches_ahead && width == together && at.w.columns % width == 0) return add_whole_blocks();
    const float* values = at.w.value + at.first * height * width;
    const bool whole = at.w.columns % width == 0 && width % (2 * together) == 0;
    for (std::int64_t block = at.first; block < at.last; ++block, values += height * width) {
      const float* x = at.x + at.w.column[block] * width;
      if (whole) {
        for (std::int64_t k = 0; k < width; k += 2 * together) {
          add(0, values + k * height, S::load(x + k));
          add(1, values + k * height + S::lanes, S::load(x + k + together));
        }
      } else {
        const std::int64_t columns = at.columns(block);
        for (std::int64_t k = 0; k < columns; k += together) add_some(values + k * height, S::load(x + k), columns - k);
      }
    }
  }

  void store() {
    float lane_sums[S::lanes];
    const int left = S::fold(lane_sums, S::add(sum[0], sum[1]), height);
    for (std::int64_t row = 0; row < at.rows; ++row) {
      float total = 0;
      for (std::int64_t lane = row; lane < left; lane += height) total += lane_sums[lane];
      for (std::int64_t block = rest; block < at.last; ++block)
        total += at.w.value[block * height + row] * at.x[at.w.column[block]];
      at.y[row] = total;
    }
  }
};

template <class S>
void flat_blocks_vector(const BlockRow& at) {
  const std::int64_t unit = at.w.height * at.w.width, units = at.last - at.first;
  fetch_ahead<S>(at.w.value + at.first * unit, units * unit, 2 * kAhead);  // little is done with a line
  fetch_ahead<S>(at.w.column + at.first, units, 2 * kAhead);
  FlatSums<S> sums(at);
  at.w.width == 1 ? sums.add_vectors() : sums.add_blocks();
  sums.store();
}

/// Sets what the row asks for: all of the next row that has blocks, and kAhead numbers at least.
template <class S>
void look_ahead(const BlockRow& at, std::int64_t row, const Part& part) {
  if (at.first == at.last) return;
  std::int64_t next = row + 1;
  while (next < part.last_row && at.w.start[next + 1] == at.last) ++next;
  const std::int64_t unit = at.w.height * at.w.width, tile = rows_most(part.width <= S::lanes ? 1 : 2);
  const std::int64_t visits = (at.last - at.first) * ((at.rows + tile - 1) / tile);
  const float* const from = at.w.value + at.last * unit;
  const float* const to = at.w.value + (next < part.last_row ? at.w.start[next + 1] : at.last) * unit;
  WeightsAhead& ahead = at.ahead;
  ahead.next = ahead.next < from ? from : ahead.next;
  ahead.end = to < from + kAhead ? from + kAhead : to;
  ahead.lines = ((ahead.end - ahead.next) / (kLineBytes / 4) + visits - 1) / visits;
}

template <class S>
void blocks(const BlockMatrix& w, const Panel& x, float* y, const Part& part) {
  const bool flat = w.height < S::lanes && S::lanes % w.height == 0;
  const std::int64_t most = tile_vectors<S>(w.height < 4 ? w.height : 4), step = most * S::lanes, slice = 4 * S::lanes;
  WeightsAhead ahead{w.value, w.value};
  for (std::int64_t row = part.first_row; row < part.last_row; ++row) {
    const BlockRow at = block_row(w, x, y, part, row, ahead);
    if (S::fetches_ahead && part.m > 1) look_ahead<S>(at, row, part);
    if (part.m == 1 && flat) {
      flat_blocks_vector<S>(at);
    } else if (part.m == 1) {
      for (std::int64_t r = 0; r < at.rows; r += slice) {
        const std::int64_t rows = at.rows - r < slice ? at.rows - r : slice;
        for_width<S>(rows, 4, TallBlocksCall<S>{at, r, rows});
      }
    } else {
      for (std::int64_t column = 0; column < part.width; column += step) {
        const std::int64_t width = part.width - column < step ? part.width - column : step;
        for_width<S>(width, static_cast<int>(most), BlockTilesCall<S>{at, column, width});
      }
    }
  }
}

}  // namespace
}  // namespace sparsesim::measure
