#pragma once
// CSV as RFC 4180 has it: comma-separated, double quotes around fields that need them, one header line.

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sparsesim {

/// A malformed file. what() is "line 3, column 7: ..."; both count from 1, columns in code points.
struct CsvError : std::runtime_error {
  CsvError(int at_line, int at_column, const std::string& at_message);
  int line;
  int column;
  std::string message;
};

/// More is refused before memory is spent on it.
struct CsvLimits {
  std::int64_t bytes = 256 << 20;
  std::int64_t rows = 4'000'000;
  std::int64_t columns = 1000;
  std::int64_t field_bytes = 1 << 20;
};

/// One field and where it starts.
struct CsvField {
  std::string text;
  int line = 0;
  int column = 0;
};
using CsvRow = std::vector<CsvField>;

struct CsvTable {
  std::vector<std::string> header;
  std::vector<CsvRow> rows;  // each as long as the header
  /// Index of a column of the header, or nothing.
  std::optional<std::size_t> column(std::string_view name) const;
};

/// Reads CSV text: LF or CRLF line ends, an optional byte order mark, UTF-8, the last line end optional.
///
/// Errors (CsvError): no header, an empty or repeated column name, a row of another length than the header (empty lines
/// too, except at the end), a quote inside an unquoted field, text after a closing quote, a quote that is never closed,
/// bytes that are no UTF-8, control characters, a CR without LF, anything beyond the limits.
CsvTable parse_csv(std::string_view text, const CsvLimits& limits = {});

/// One line with its "\n": fields with commas, quotes, line ends or outer blanks are quoted, quotes inside doubled.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace sparsesim
