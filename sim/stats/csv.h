#pragma once
// CSV as RFC 4180 has it: comma-separated, double quotes around fields that need them.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sparsesim {

/// One field, quotes resolved, and where it starts (its opening quote included): line and column from 1, columns in
/// code points.
struct CsvField {
  std::string text;
  int line = 0;
  int column = 0;
};
using CsvRow = std::vector<CsvField>;

/// More is reported and cut, so that hostile text costs no memory.
struct CsvLimits {
  std::size_t fields = 256;  // of one row
  std::size_t field_bytes = 1 << 20;
};

/// Walks row by row over a text that outlives it, and goes on after a mistake so that all of them can be reported.
/// LF or CRLF ends a row; the last line end and a byte order mark are optional; wholly empty lines are skipped.
///
/// Mistakes go to `report`: bytes that are no UTF-8, control characters (both before the first row, and nothing is read
/// then), a carriage return without line feed, a quote inside an unquoted field, text after a closing quote, a quote
/// that is never closed, anything beyond the limits.
class CsvReader {
 public:
  using Report = std::function<void(int line, int column, const std::string& message, const std::string& hint)>;

  CsvReader(std::string_view text, Report report, const CsvLimits& limits = {});
  /// Whether this is text at all.
  bool is_text() const { return is_text_; }
  /// Reads the next row into `row`; false at the end of the text.
  bool next(CsvRow& row);

 private:
  bool at_end() const { return at_ >= text_.size(); }
  bool at_line_end() const { return at_end() || text_[at_] == '\n' || text_.substr(at_, 2) == "\r\n"; }
  bool check_encoding() const;
  void skip_line_end();
  void step();
  void take(CsvField& field);
  CsvField read_field();
  void read_quoted(CsvField& field);
  void read_plain(CsvField& field);

  std::string_view text_;
  Report report_;
  CsvLimits limits_;
  bool is_text_ = true;
  std::size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
};

/// One line with its "\n": fields with commas, quotes, line ends or outer blanks are quoted, quotes inside doubled.
/// Reads back to the same fields.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace sparsesim
