#pragma once
// Sparse times dense, fp32: one table of kernels per instruction set.

#include <cstdint>

#include "validate/measure/cpu/context.h"

namespace sparsesim::measure {

/// Blocks of [height, width] weights at multiples of their size; height = width = 1 is CSR, width = 1 vector-wise.
/// A block is stored by columns, height values each; what stands over the edge of the matrix is zero.
struct BlockMatrix {
  std::int64_t rows = 0, columns = 0;    // of the matrix
  std::int64_t height = 1, width = 1;    // of a block
  const std::int32_t* start = nullptr;   // [ceil(rows / height) + 1]: first block of each row of blocks
  const std::int32_t* column = nullptr;  // [blocks]: in blocks
  const float* value = nullptr;          // [blocks, width, height]
};

/// Two of four successive weights of a row.
struct TwoOfFourMatrix {
  std::int64_t rows = 0, columns = 0;    // columns: a multiple of 4
  std::int64_t distance = 0;             // bytes from one row's places to the next
  const std::uint8_t* places = nullptr;  // [rows, distance]: two bits a value, the first in the lowest bits
  const float* value = nullptr;          // [rows, columns / 2]
};

/// The part of a product that one call works on: rows (of blocks) and columns [begin, begin + width) of the results.
struct Part {
  std::int64_t first_row = 0, last_row = 0;  // rows of CSR and 2:4, rows of blocks of a BlockMatrix; last excluded
  std::int64_t begin = 0, width = 0;         // width <= panel
  std::int64_t m = 0;                        // distance of rows of results [rows, m]
};

/// The activations of a part's columns: row k begins at x + k * distance. May be read one cache line past their end.
struct Panel {
  const float* x = nullptr;
  std::int64_t distance = 0;
};

struct SparseKernels {
  const char* instructions;
  std::int64_t panel, block_panel;  // columns of the results that one call takes at most; of blocks
  /// Brings rows [first, last) of a panel of so many columns near, before rows of weights meet them at random: reads
  /// them in order, or copies them to `to`, rounded_width(width) apart. Null: the loops take them as they lie.
  void (*bring)(const Panel& panel, std::int64_t first, std::int64_t last, std::int64_t width, float* to);
  void (*csr)(const BlockMatrix&, const Panel& x, float* y, const Part&);
  void (*blocks)(const BlockMatrix&, const Panel& x, float* y, const Part&);
  void (*two_of_four)(const TwoOfFourMatrix&, const Panel& x, float* y, const Part&);
};

/// Distance of copied rows of a panel: whole cache lines.
constexpr std::int64_t rounded_width(std::int64_t width) { return (width + 15) / 16 * 16; }

extern const SparseKernels sparse_kernels_generic;
#if defined(__x86_64__)
extern const SparseKernels sparse_kernels_avx2, sparse_kernels_avx512;
#endif

/// The widest that the processor has.
const SparseKernels& sparse_kernels(const CpuContext& context);

}  // namespace sparsesim::measure
