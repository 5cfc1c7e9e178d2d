#pragma once
// Sums of rows of a table, by number and by one scan of the table.

#include <cstdint>

#include "validate/measure/cpu/context.h"

namespace sparsesim::measure {

/// Bags of `pooling` rows each.
struct RowBags {
  const float* table = nullptr;  // [rows, dim]
  std::int64_t dim = 0;
  std::int64_t pooling = 0;
  const std::int64_t* rows = nullptr;  // [bags, pooling]
  const float* weights = nullptr;      // [bags, pooling]; null: each row counts once
  float* sums = nullptr;               // [bags, dim]
};

/// A row that a bag names.
struct NamedRow {
  std::int64_t row = 0;
  std::int32_t bag = 0;
  float weight = 1;
};

struct GatherKernels {
  const char* instructions;
  /// sums[bag] = sum of weight * table[row], in registers, for bags [first_bag, last_bag).
  void (*gather)(const RowBags& bags, std::int64_t first_bag, std::int64_t last_bag);
  /// Reads rows [first_row, last_row) once, in order, and adds each to the sums that name it: sums [bags, dim] +=
  /// weight
  /// * table[row]. `named` is sorted by row, begins at first_row or later, and ends with a row beyond all.
  /// Returns the sum of the elements that no bag named: it makes reading them part of the work.
  float (*scan)(const float* table, std::int64_t dim, std::int64_t first_row, std::int64_t last_row,
                const NamedRow* named, float* sums);
};

extern const GatherKernels gather_kernels_generic;
#if defined(__x86_64__)
extern const GatherKernels gather_kernels_avx2, gather_kernels_avx512;
#endif

/// The widest that the processor has.
const GatherKernels& gather_kernels(const CpuContext& context);

}  // namespace sparsesim::measure
