#pragma once
// bf16 blocks on matrix tiles (AMX): 16 x 32 weights times 32 x 16 activations per instruction.

#include <cstdint>

#include "validate/measure/cpu/context.h"
#include "validate/measure/cpu/kernels/sparse.h"

namespace sparsesim::measure {

/// Blocks of [height, width] bf16 weights, each stored by rows; height 16 or a multiple of 32, width 16 or a multiple
/// of
/// 32. Rows and columns are multiples of height and width.
struct TileMatrix {
  std::int64_t rows = 0, columns = 0, height = 16, width = 16;
  const std::int32_t* start = nullptr;   // [rows / height + 1]
  const std::int32_t* column = nullptr;  // [blocks]
  const std::uint16_t* value = nullptr;  // [blocks, height, width]
};

/// Whether the processor has the tiles, and this process the system's permission to use them.
bool has_tiles(const CpuContext& context);

/// results [rows, m] bf16 = weights * activations [columns / 2, m, 2] bf16 (pairs of inputs side by side), of the
/// part's rows of blocks and columns; m, part.begin and part.width are multiples of 16.
void multiply_tiles(const TileMatrix& weights, const std::uint16_t* activations, std::uint16_t* results,
                    const Part& part);

}  // namespace sparsesim::measure
