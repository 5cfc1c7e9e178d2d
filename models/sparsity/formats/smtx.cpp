// The .smtx files of the Deep Learning Matrix Collection.

#include <fmt/format.h>

#include <algorithm>

#include "models/sparsity/formats/mask_formats.h"
#include "models/sparsity/formats/number_line.h"

namespace sparsesim {
namespace {

struct Header {
  std::int64_t rows = -1, columns = -1, stored = -1;
};

bool read_header(NumberLine line, std::size_t length, Header& header) {
  header.rows = line.next(0, kMaskSideMost, "number of rows");
  header.columns = header.rows < 0 ? -1 : line.next(0, kMaskSideMost, "number of columns");
  header.stored = header.columns < 0 ? -1 : line.next(0, kMaskStoredMost, "number of nonzeros");
  if (header.stored < 0) return false;
  // A number takes a character and a separator at least.
  if (2 * (header.rows + header.stored) > static_cast<std::int64_t>(length)) {
    line.mistake(fmt::format("{} rows and {} nonzeros do not fit into {} bytes", header.rows, header.stored, length));
    return false;
  }
  if (const auto problem = mask_size_problem(header.rows, header.columns, header.stored); !problem.empty()) {
    line.mistake(problem);
    return false;
  }
  line.finish("more numbers than rows, columns and nonzeros");
  return true;
}

bool read_offsets(NumberLine line, std::int64_t stored, Mask& mask) {
  if (line.next(0, 0, "first row offset") < 0) return false;
  for (std::int64_t row = 0; row < mask.rows; ++row) {
    const std::int64_t before = mask.offsets.back(), offset = line.next(0, stored, "row offset");
    if (offset < 0) return false;
    if (offset < before || offset - before > mask.columns) {
      line.mistake(fmt::format("a row of {} nonzeros in {} columns", offset - before, mask.columns));
      return false;
    }
    mask.offsets.push_back(offset);
  }
  if (mask.offsets.back() != stored) {
    line.mistake(fmt::format("the rows hold {} nonzeros, the first line says {}", mask.offsets.back(), stored));
    return false;
  }
  line.finish("more numbers than the first line says");
  return true;
}

/// Sorts each row and finds a column that is given twice. The place of the second one is looked up in the line.
bool sort_rows(NumberLine line, const std::vector<std::int32_t>& as_given, Mask& mask) {
  for (std::int64_t row = 0; row < mask.rows; ++row) {
    const auto begin = mask.indices.begin() + mask.offsets[static_cast<std::size_t>(row)];
    const auto end = mask.indices.begin() + mask.offsets[static_cast<std::size_t>(row) + 1];
    if (!std::is_sorted(begin, end)) std::sort(begin, end);
    const auto twice = std::adjacent_find(begin, end);
    if (twice == end) continue;
    const std::int64_t first = begin - mask.indices.begin();
    bool seen = false;
    for (std::int64_t i = 0;; ++i) {
      line.next(0, mask.columns - 1, "column index");
      if (i < first || as_given[static_cast<std::size_t>(i)] != *twice) continue;
      if (seen) break;
      seen = true;
    }
    line.mistake(fmt::format("column {} twice in row {}", *twice, row));
    return false;
  }
  return true;
}

bool read_indices(NumberLine line, std::int64_t stored, Mask& mask) {
  const NumberLine start = line;
  mask.indices.reserve(static_cast<std::size_t>(stored));
  for (std::int64_t i = 0; i < stored; ++i) {
    const std::int64_t column = line.next(0, mask.columns - 1, "column index");
    if (column < 0) return false;
    mask.indices.push_back(static_cast<std::int32_t>(column));
  }
  line.finish("more numbers than the first line says");
  bool sorted = true;  // and without repeats: as nearly all files are
  for (std::int64_t row = 0; sorted && row < mask.rows; ++row) {
    const auto columns = mask.row(row);
    sorted = std::adjacent_find(columns.begin(), columns.end(), std::greater_equal<>()) == columns.end();
  }
  return sorted || sort_rows(start, std::vector<std::int32_t>(mask.indices), mask);
}

}  // namespace

Mask read_smtx(std::string_view text, const std::string& file, config::Diagnostics& diagnostics) {
  Header header;
  const std::size_t length = text.size();
  if (!read_header({take_line(text), 1, file, diagnostics}, length, header)) return {};
  Mask mask{header.rows, header.columns, {0}, {}};
  mask.offsets.reserve(static_cast<std::size_t>(header.rows) + 1);
  if (!read_offsets({take_line(text), 2, file, diagnostics}, header.stored, mask)) return {};
  if (!read_indices({take_line(text), 3, file, diagnostics}, header.stored, mask)) return {};
  if (text.find_first_not_of(" \t\r\n") != std::string_view::npos)
    NumberLine(text, 4, file, diagnostics).mistake("more lines than the three of a matrix");
  return diagnostics.empty() ? std::move(mask) : Mask{};
}

}  // namespace sparsesim
