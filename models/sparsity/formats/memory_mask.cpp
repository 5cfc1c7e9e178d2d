#include "models/sparsity/formats/memory_mask.h"

#include <cstdlib>
#include <cstring>

#include "sim/config/node.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

void check_array_size(std::int64_t rows, std::int64_t columns, std::int64_t stored) {
  if (auto problem = mask_size_problem(rows, columns, stored); !problem.empty())
    throw config::ConfigError(config::Mistake{{}, std::move(problem), {}, {}});
}

/// Bytes from the first element to the first one of a row; rows count through all dimensions but the last.
std::int64_t row_offset(const ArrayView& array, std::int64_t row) {
  std::int64_t offset = 0;
  for (std::size_t i = array.shape.size() - 1; i-- > 0;) {
    offset += row % array.shape[i] * array.strides[i];
    row /= array.shape[i];
  }
  return offset;
}

/// Whether a column's elements are neighbours and a row's are not.
bool lies_in_columns(const ArrayView& array) {
  return array.shape.size() == 2 && std::llabs(array.strides[0]) == array.type.bytes &&
         std::llabs(array.strides[1]) != array.type.bytes;
}

/// Calls f(row, its elements next to each other).
template <class F>
void for_rows(const ArrayView& array, std::int64_t rows, F&& f) {
  const std::int64_t columns = array.shape.back(), stride = array.strides.back(), width = array.type.bytes;
  std::string gathered(stride == width ? 0 : at(columns * width), '\0');
  for (std::int64_t row = 0; row < rows; ++row) {
    const char* first = array.data + row_offset(array, row);
    if (stride == width) {
      f(row, first);
      continue;
    }
    for (std::int64_t i = 0; i < columns; ++i) std::memcpy(gathered.data() + i * width, first + i * stride, at(width));
    f(row, gathered.data());
  }
}

}  // namespace

Mask mask_of_memory(const ArrayView& array) {
  if (lies_in_columns(array))
    return transpose(mask_of_memory(
        {array.type, array.data, {array.shape[1], array.shape[0]}, {array.strides[1], array.strides[0]}}));
  const std::int64_t columns = array.shape.back();
  std::int64_t rows = 1;
  for (std::size_t i = 0; i + 1 < array.shape.size() && rows <= kMaskSideMost; ++i) rows *= array.shape[i];
  check_array_size(rows, columns, 0);
  Mask mask{rows, columns, {0}, {}};
  mask.offsets.reserve(at(rows) + 1);
  for_rows(array, rows, [&](std::int64_t, const char* elements) {
    append_nonzero(array.type, elements, columns, 0, mask.indices);
    mask.offsets.push_back(mask.stored());
    check_array_size(rows, columns, mask.stored());
  });
  return mask;
}

}  // namespace sparsesim
