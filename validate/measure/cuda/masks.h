#pragma once
// Zeros of weights, drawn on the host from a seed.

#include <cstdint>
#include <vector>

namespace sparsesim::measure {

/// Which blocks of a matrix are stored: compressed rows of blocks. A block of 1 x 1 is an element.
struct BlockRows {
  std::int64_t rows = 0, columns = 0;              // in blocks
  std::int64_t block_rows = 1, block_columns = 1;  // elements of a block
  std::vector<std::int32_t> offsets = {};          // [rows + 1]
  std::vector<std::int32_t> column = {};           // [stored], rising in each row
  std::int64_t stored() const { return static_cast<std::int64_t>(column.size()); }
  std::int64_t block_elements() const { return block_rows * block_columns; }
  /// Block row of each stored block.
  std::vector<std::int32_t> row_of_stored() const;
};

struct MaskSize {
  std::int64_t rows = 0, columns = 0;  // elements
  std::int64_t block_rows = 1, block_columns = 1;
  double sparsity = 0;      // share of blocks left out
  bool equal_rows = false;  // every row of blocks stores round((1 - sparsity) * blocks)
};

/// Each block is stored with probability 1 - sparsity (or as many in every row). Errors: NotHere when blocks do not
/// divide the matrix, nothing is left, or there are more than 2^31 - 1 blocks.
BlockRows draw_blocks(const MaskSize& size, std::uint64_t seed);

}  // namespace sparsesim::measure
