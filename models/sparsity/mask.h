#pragma once
// A sparse mask: which places of a matrix are stored, row by row.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/sparsity/formats/stored_array.h"
#include "models/sparsity/row_counts.h"

namespace sparsesim {

/// Places of a matrix [rows, columns] in compressed rows. An invariant of all masks: indices rise within each row.
struct Mask {
  std::int64_t rows = 0, columns = 0;
  std::vector<std::int64_t> offsets = {0};  // [rows + 1], of each row's first index
  std::vector<std::int32_t> indices;        // [stored], columns

  std::int64_t stored() const { return static_cast<std::int64_t>(indices.size()); }
  double places() const { return static_cast<double>(rows) * static_cast<double>(columns); }
  /// Share of the places that are stored, 0..1; 0 for a mask without places.
  double density() const { return places() > 0 ? static_cast<double>(stored()) / places() : 0; }
  std::span<const std::int32_t> row(std::int64_t row) const;
};

/// What a mask may hold: 8 bytes per row or column, 4 per stored place.
inline constexpr std::int64_t kMaskSideMost = std::int64_t{1} << 22;
inline constexpr std::int64_t kMaskStoredMost = std::int64_t{1} << 27;

/// Why a matrix of this size is not read, or nothing.
std::string mask_size_problem(std::int64_t rows, std::int64_t columns, std::int64_t stored);

/// One stored place.
struct Place {
  std::int32_t row = 0, column = 0;
};
/// Sorts places (each within rows x columns) into rows. A place given twice is kept once.
Mask mask_of_places(std::int64_t rows, std::int64_t columns, std::span<const Place> places);
Mask transpose(const Mask& mask);

/// How an array of more than two dimensions is a matrix.
enum class MatrixView {
  last_is_columns,  // [a, b, c] is [a b, c]: scores of heads, weights of experts
  first_is_rows,    // [out, in, height, width] is [out, in height width]: weights of a convolution
};
/// The places of an array whose elements are not zero. An array of one dimension is one row.
/// Errors: config::ConfigError for sizes beyond the limits above.
Mask mask_of_array(const ByteFile& file, const StoredArray& array, MatrixView view);

/// Stored units of `unit_rows` x `unit_columns` places: a unit is stored if any of its places is. Units at the lower
/// and right edge may be cut.
Mask coarsen(const Mask& mask, std::int64_t unit_rows, std::int64_t unit_columns);
/// The mask whose row i is row order[i].
Mask reorder_rows(const Mask& mask, std::span<const std::int32_t> order);
/// Stored places of each row.
RowCounts row_counts(const Mask& mask);

}  // namespace sparsesim
