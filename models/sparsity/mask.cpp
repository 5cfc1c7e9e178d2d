#include "models/sparsity/mask.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/core/counts.h"

namespace sparsesim {
namespace {

/// Turns counts at [row + 1] into offsets.
void accumulate(std::vector<std::int64_t>& offsets) {
  for (std::size_t row = 1; row < offsets.size(); ++row) offsets[row] += offsets[row - 1];
}

}  // namespace

std::span<const std::int32_t> Mask::row(std::int64_t row) const {
  return {indices.data() + offsets[at(row)], indices.data() + offsets[at(row + 1)]};
}

std::string mask_size_problem(std::int64_t rows, std::int64_t columns, std::int64_t stored) {
  if (rows < 1 || columns < 1) return fmt::format("a matrix of {} x {} has no place", rows, columns);
  if (rows > kMaskSideMost) return fmt::format("{} rows; at most {} are read", rows, kMaskSideMost);
  if (columns > kMaskSideMost) return fmt::format("{} columns; at most {} are read", columns, kMaskSideMost);
  if (stored > kMaskStoredMost) return fmt::format("{} stored places; at most {} are read", stored, kMaskStoredMost);
  return {};
}

Mask mask_of_places(std::int64_t rows, std::int64_t columns, std::span<const Place> places) {
  Mask mask{rows, columns, std::vector<std::int64_t>(at(rows) + 1), std::vector<std::int32_t>(places.size())};
  for (const Place& place : places) ++mask.offsets[at(place.row) + 1];
  accumulate(mask.offsets);
  std::vector<std::int64_t> next(mask.offsets.begin(), mask.offsets.end() - 1);
  for (const Place& place : places) mask.indices[at(next[at(place.row)]++)] = place.column;
  std::size_t end = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto begin = mask.indices.begin() + mask.offsets[at(row)], stop = mask.indices.begin() + next[at(row)];
    std::sort(begin, stop);
    mask.offsets[at(row)] = static_cast<std::int64_t>(end);
    const auto kept =
        std::move(begin, std::unique(begin, stop), mask.indices.begin() + static_cast<std::ptrdiff_t>(end));
    end = at(kept - mask.indices.begin());
  }
  mask.offsets.back() = static_cast<std::int64_t>(end);
  mask.indices.resize(end);
  return mask;
}

Mask transpose(const Mask& mask) {
  Mask out{mask.columns, mask.rows, std::vector<std::int64_t>(at(mask.columns) + 1),
           std::vector<std::int32_t>(mask.indices.size())};
  for (const std::int32_t column : mask.indices) ++out.offsets[at(column) + 1];
  accumulate(out.offsets);
  std::vector<std::int64_t> next(out.offsets.begin(), out.offsets.end() - 1);
  for (std::int64_t row = 0; row < mask.rows; ++row)
    for (const std::int32_t column : mask.row(row))
      out.indices[at(next[at(column)]++)] = static_cast<std::int32_t>(row);
  return out;
}

Mask coarsen(const Mask& mask, std::int64_t unit_rows, std::int64_t unit_columns) {
  unit_columns = std::min(unit_columns, mask.columns);
  const auto width = static_cast<std::uint32_t>(unit_columns);  // 32-bit division is several times faster
  Mask out{ceil_div(mask.rows, unit_rows), ceil_div(mask.columns, unit_columns), {0}, {}};
  out.offsets.reserve(at(out.rows) + 1);
  for (std::int64_t first = 0; first < mask.rows; first += unit_rows) {
    const auto begin = static_cast<std::ptrdiff_t>(out.indices.size());
    const std::int64_t last = std::min(first + unit_rows, mask.rows);
    for (std::int64_t row = first; row < last; ++row) {
      std::uint32_t limit = 0;  // columns below belong to the unit that was added last
      for (const std::int32_t place : mask.row(row)) {
        const auto column = static_cast<std::uint32_t>(place);
        if (column < limit) continue;
        const std::uint32_t unit = column / width;
        limit = (unit + 1) * width;
        out.indices.push_back(static_cast<std::int32_t>(unit));
      }
    }
    if (last - first > 1) {
      std::sort(out.indices.begin() + begin, out.indices.end());
      out.indices.erase(std::unique(out.indices.begin() + begin, out.indices.end()), out.indices.end());
    }
    out.offsets.push_back(out.stored());
  }
  return out;
}

Mask reorder_rows(const Mask& mask, std::span<const std::int32_t> order) {
  Mask out{mask.rows, mask.columns, {0}, {}};
  out.offsets.reserve(mask.offsets.size());
  out.indices.reserve(mask.indices.size());
  for (const std::int32_t row : order) {
    const auto columns = mask.row(row);
    out.indices.insert(out.indices.end(), columns.begin(), columns.end());
    out.offsets.push_back(out.stored());
  }
  return out;
}

RowCounts row_counts(const Mask& mask) {
  RowCounts counts{std::vector<std::int32_t>(at(mask.rows)), mask.columns};
  for (std::int64_t row = 0; row < mask.rows; ++row)
    counts.units[at(row)] = static_cast<std::int32_t>(mask.row(row).size());
  return counts;
}

}  // namespace sparsesim
