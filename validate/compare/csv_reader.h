#pragma once
// Comma-separated text (RFC 4180), row by row, with the place of every cell. parse_csv() of sim/stats stops at the first
// mistake; a measurement file has all of its mistakes reported at once, so this one goes on.

#include <string>
#include <string_view>
#include <vector>

#include "sim/config/node.h"

namespace sparsesim {

/// One field of a row, quotes resolved.
struct CsvCell {
  std::string text;
  config::Position position;  // of its first character, the quote included
};

/// Walks over a text that outlives it. Lines that are wholly empty are skipped; \n and \r\n end a row.
class CsvReader {
 public:
  /// A row longer than this is reported and cut, so that hostile text costs no memory.
  static constexpr std::size_t kMostCells = 256;

  CsvReader(std::string_view text, std::string file, config::Diagnostics& diagnostics);
  /// Reads the next row into `row`; false at the end of the text.
  /// Reports: a quote inside an unquoted field, text after a closing quote, a quote that is never closed, too many
  /// cells.
  bool next(std::vector<CsvCell>& row);

 private:
  bool at_end() const { return at_ >= text_.size(); }
  bool at_line_end() const { return at_end() || text_[at_] == '\n' || text_.substr(at_, 2) == "\r\n"; }
  void skip_line_end();
  void step();
  config::Position here() const { return {file_, line_, column_}; }
  CsvCell read_cell();
  void read_quoted(CsvCell& cell);
  void read_plain(CsvCell& cell);

  std::string_view text_;
  std::string file_;
  config::Diagnostics& diagnostics_;
  std::size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
};

}  // namespace sparsesim
