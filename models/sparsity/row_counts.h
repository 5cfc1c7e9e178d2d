#pragma once
// How many stored units (elements, vectors, blocks) each row of a sparse operand has.

#include <cstdint>
#include <vector>

namespace sparsesim {

/// Stored units of each row, and of how many columns of units they were chosen.
struct RowCounts {
  std::vector<std::int32_t> units;
  std::int64_t columns = 0;

  std::int64_t total() const;
  /// Share of the units that are stored, 0..1.
  double density() const;
};

/// As many units as the density says, to the nearest, at places of which all are as likely: counts are binomial, drawn
/// by the normal approximation with a sum of twelve uniforms, kept within 0..columns, scaled to their sum and rounded.
/// rows, columns >= 1.
RowCounts random_row_counts(std::int64_t rows, std::int64_t columns, double density, std::uint64_t seed);

/// The same stored places in units that are `rows` times `columns` smaller: every row becomes `rows` equal ones.
RowCounts in_smaller_units(const RowCounts& counts, std::int64_t rows, std::int64_t columns);

/// Every row as long as the longest, as Blocked-ELL stores it.
RowCounts padded_to_longest(RowCounts counts);

/// Every row stores the same number of units.
RowCounts equal_row_counts(std::int64_t rows, std::int64_t columns, double density);

}  // namespace sparsesim
