#include "validate/measure/cuda/masks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "validate/measure/cuda/host_device.h"
#include "validate/measure/harness/backend.h"

namespace sparsesim::measure {
namespace {

/// `kept` of `count` numbers, rising: selection sampling (Knuth, TAOCP 3.4.2, algorithm S).
void select(std::int64_t kept, std::int64_t count, std::uint64_t seed, std::vector<std::int32_t>& out) {
  for (std::int64_t i = 0; i < count && kept > 0; ++i) {
    const auto left = static_cast<std::uint64_t>(count - i);
    if (random_below(seed, static_cast<std::uint64_t>(i), left) >= static_cast<std::uint64_t>(kept)) continue;
    out.push_back(static_cast<std::int32_t>(i));
    --kept;
  }
}

}  // namespace

std::vector<std::int32_t> BlockRows::row_of_stored() const {
  std::vector<std::int32_t> row_of(column.size());
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto begin = row_of.begin() + offsets[static_cast<std::size_t>(row)];
    std::fill(begin, row_of.begin() + offsets[static_cast<std::size_t>(row) + 1], static_cast<std::int32_t>(row));
  }
  return row_of;
}

BlockRows draw_blocks(const MaskSize& size, std::uint64_t seed) {
  if (size.block_rows < 1 || size.block_columns < 1 || size.rows % size.block_rows != 0 ||
      size.columns % size.block_columns != 0)
    throw NotHere("blocks of " + std::to_string(size.block_rows) + "x" + std::to_string(size.block_columns) +
                  " do not divide the weights");
  BlockRows mask{.rows = size.rows / size.block_rows,
                 .columns = size.columns / size.block_columns,
                 .block_rows = size.block_rows,
                 .block_columns = size.block_columns};
  if (mask.rows * mask.columns > std::numeric_limits<std::int32_t>::max())
    throw NotHere("more than 2^31 - 1 blocks: their offsets need more than 32 bits");
  const auto each = std::llround((1 - size.sparsity) * static_cast<double>(mask.columns));
  const auto threshold = static_cast<std::uint64_t>(std::llround((1 - size.sparsity) * 0x1p32));
  mask.offsets.push_back(0);
  for (std::int64_t row = 0; row < mask.rows; ++row) {
    if (size.equal_rows) {
      select(each, mask.columns, random_bits(seed, static_cast<std::uint64_t>(row)), mask.column);
    } else {
      for (std::int64_t column = 0; column < mask.columns; ++column)
        if (random_bits(seed, static_cast<std::uint64_t>(row * mask.columns + column)) >> 32 < threshold)
          mask.column.push_back(static_cast<std::int32_t>(column));
    }
    mask.offsets.push_back(static_cast<std::int32_t>(mask.column.size()));
  }
  if (mask.column.empty()) throw NotHere("no weights are left at this sparsity");
  return mask;
}

}  // namespace sparsesim::measure
