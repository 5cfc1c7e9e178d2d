#include "validate/compare/csv_reader.h"

namespace sparsesim {

CsvReader::CsvReader(std::string_view text, std::string file, config::Diagnostics& diagnostics)
    : text_(text), file_(std::move(file)), diagnostics_(diagnostics) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text_.substr(0, kByteOrderMark.size()) == kByteOrderMark) at_ = kByteOrderMark.size();
}

/// One byte on; columns count code points, so the followers of a UTF-8 sequence do not count.
void CsvReader::step() {
  if (text_[at_] == '\n') {
    ++line_;
    column_ = 1;
  } else if ((static_cast<unsigned char>(text_[at_]) & 0xC0u) != 0x80u) {
    ++column_;
  }
  ++at_;
}

void CsvReader::skip_line_end() {
  if (at_end()) return;
  if (text_[at_] == '\r') step();
  step();
}

void CsvReader::read_quoted(CsvCell& cell) {
  step();
  while (!at_end()) {
    if (text_[at_] != '"') {
      cell.text += text_[at_];
      step();
    } else if (text_.substr(at_, 2) == "\"\"") {
      cell.text += '"';
      step();
      step();
    } else {
      step();
      if (!at_line_end() && text_[at_] != ',') {
        diagnostics_.add(here(), "text after the closing quote", "a quote inside a quoted field is written twice");
        while (!at_line_end() && text_[at_] != ',') step();
      }
      return;
    }
  }
  diagnostics_.add(cell.position, "this quote is never closed");
}

void CsvReader::read_plain(CsvCell& cell) {
  while (!at_line_end() && text_[at_] != ',') {
    if (text_[at_] == '"') diagnostics_.add(here(), "a quote inside a field", "quote the whole field");
    cell.text += text_[at_];
    step();
  }
}

CsvCell CsvReader::read_cell() {
  CsvCell cell{{}, here()};
  if (!at_end() && text_[at_] == '"') {
    read_quoted(cell);
  } else {
    read_plain(cell);
  }
  return cell;
}

bool CsvReader::next(std::vector<CsvCell>& row) {
  row.clear();
  while (!at_end() && at_line_end()) skip_line_end();
  if (at_end()) return false;
  std::size_t cells = 0;
  while (true) {
    CsvCell cell = read_cell();
    if (++cells <= kMostCells) {
      row.push_back(std::move(cell));
    } else if (cells == kMostCells + 1) {
      diagnostics_.add(cell.position, "more than 256 fields in one row");
    }
    if (at_line_end()) break;
    step();  // the comma
  }
  skip_line_end();
  return true;
}

}  // namespace sparsesim
