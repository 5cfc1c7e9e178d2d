// Masks from the elements of an array, read in pieces.

#include <fmt/format.h>

#include <algorithm>

#include "models/sparsity/mask.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

constexpr std::int64_t kPieceBytes = std::int64_t{1} << 20;

/// Calls f(first element, bytes, elements) for each piece of an array.
template <class F>
void for_pieces(const ByteFile& file, const StoredArray& array, F&& f) {
  const std::int64_t count = array.count(), most = kPieceBytes / array.type.bytes;
  std::string bytes;
  for (std::int64_t first = 0; first < count; first += most) {
    const std::int64_t piece = std::min(most, count - first);
    bytes.resize(at(piece * array.type.bytes));
    file.read(array.offset + first * array.type.bytes, bytes.data(), piece * array.type.bytes);
    f(first, bytes.data(), piece);
  }
}

/// Elements that lie row after row.
Mask read_rows(const ByteFile& file, const StoredArray& array, std::int64_t rows, std::int64_t columns) {
  Mask mask{rows, columns, std::vector<std::int64_t>(at(rows) + 1), {}};
  for_pieces(file, array, [&](std::int64_t first, const char* bytes, std::int64_t count) {
    for (std::int64_t i = 0; i < count;) {
      const std::int64_t row = (first + i) / columns, column = (first + i) % columns;
      const std::int64_t length = std::min(count - i, columns - column);
      append_nonzero(array.type, bytes + i * array.type.bytes, length, static_cast<std::int32_t>(column), mask.indices);
      mask.offsets[at(row + 1)] = mask.stored();
      i += length;
    }
    if (const auto problem = mask_size_problem(rows, columns, mask.stored()); !problem.empty())
      file.refuse(array.offset, problem);
  });
  return mask;
}

/// Elements of a matrix that lie column after column: rows of the transposed one.
Mask read_columns(const ByteFile& file, const StoredArray& array, std::int64_t rows, std::int64_t columns) {
  return transpose(read_rows(file, array, columns, rows));
}

}  // namespace

Mask mask_of_array(const ByteFile& file, const StoredArray& array, MatrixView view) {
  const std::vector<std::int64_t>& shape = array.shape;
  if (array.fortran_order && shape.size() > 2)
    file.refuse(array.offset, "more than two dimensions in Fortran order are not read", "save it in C order");
  std::int64_t rows = 1, columns = 1;
  const std::size_t split = shape.empty() ? 0 : view == MatrixView::first_is_rows ? 1 : shape.size() - 1;
  // Products cannot overflow: the bytes of all elements fit into the file. One that is empty is refused below.
  for (std::size_t i = 0; i < shape.size() && array.count() > 0; ++i)
    (i < split && shape.size() > 1 ? rows : columns) *= shape[i];
  if (array.count() == 0) columns = 0;
  std::string problem = mask_size_problem(rows, columns, 0);
  // Columns become rows on the way.
  if (problem.empty() && array.fortran_order) problem = mask_size_problem(columns, rows, 0);
  if (!problem.empty()) file.refuse(array.offset, problem);
  return array.fortran_order ? read_columns(file, array, rows, columns) : read_rows(file, array, rows, columns);
}

}  // namespace sparsesim
