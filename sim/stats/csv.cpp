#include "sim/stats/csv.h"

#include <fmt/format.h>

#include <utility>

#include "sim/core/utf8.h"

namespace sparsesim {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_control(unsigned char byte) {
  return (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F;
}

}  // namespace

CsvReader::CsvReader(std::string_view text, Report report, const CsvLimits& limits)
    : text_(text), report_(std::move(report)), limits_(limits) {
  if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
  is_text_ = check_encoding();
  if (!is_text_) text_ = {};
}

bool CsvReader::check_encoding() const {
  int line = 1, column = 1;
  for (std::size_t at = 0; at < text_.size();) {
    const auto byte = static_cast<unsigned char>(text_[at]);
    const int length = utf8_length(text_, at);
    if (length == 0 || is_control(byte)) {
      const char* what = length == 0 ? "byte 0x{:02X} is not UTF-8 text" : "control character 0x{:02X}";
      report_(line, column, fmt::format(fmt::runtime(what), byte), "is this a text file?");
      return false;
    }
    at += static_cast<std::size_t>(length);
    ++column;
    if (byte != '\n') continue;
    ++line;
    column = 1;
  }
  return true;
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

void CsvReader::take(CsvField& field) {
  if (text_[at_] == '\r' && text_.substr(at_, 2) != "\r\n")
    report_(line_, column_, "a carriage return without line feed", "");
  if (field.text.size() < limits_.field_bytes)
    field.text += text_[at_];
  else if (field.text.size() == limits_.field_bytes) {
    report_(field.line, field.column, fmt::format("a field of more than {} bytes", limits_.field_bytes), "");
    field.text += '.';  // one more, so that this is said once
  }
  step();
}

void CsvReader::read_quoted(CsvField& field) {
  step();
  while (!at_end()) {
    if (text_[at_] != '"') {
      take(field);
    } else if (text_.substr(at_, 2) == "\"\"") {
      step();
      take(field);
    } else {
      step();
      if (at_line_end() || text_[at_] == ',') return;
      report_(line_, column_, "text after the closing quote", "a quote inside a quoted field is written twice");
      while (!at_line_end() && text_[at_] != ',') step();
      return;
    }
  }
  report_(field.line, field.column, "this quote is never closed", "");
}

void CsvReader::read_plain(CsvField& field) {
  bool quote = false;
  while (!at_line_end() && text_[at_] != ',') {
    if (text_[at_] == '"' && !std::exchange(quote, true))
      report_(line_, column_, "a quote inside a field", "quote the whole field");
    take(field);
  }
}

CsvField CsvReader::read_field() {
  CsvField field{{}, line_, column_};
  if (!at_end() && text_[at_] == '"')
    read_quoted(field);
  else
    read_plain(field);
  return field;
}

bool CsvReader::next(CsvRow& row) {
  row.clear();
  while (!at_end() && at_line_end()) skip_line_end();
  if (at_end()) return false;
  std::size_t fields = 0;
  while (true) {
    CsvField field = read_field();
    if (++fields <= limits_.fields)
      row.push_back(std::move(field));
    else if (fields == limits_.fields + 1)
      report_(field.line, field.column, fmt::format("more than {} fields in one row", limits_.fields), "");
    if (at_line_end()) break;
    step();  // the comma
  }
  skip_line_end();
  return true;
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string& field = fields[i];
    if (i > 0) line += ',';
    const bool blanks = field.starts_with(' ') || field.ends_with(' ') || field.starts_with(kByteOrderMark);
    const bool alone = fields.size() == 1 && field.empty();  // else the row would be an empty line
    if (!blanks && !alone && field.find_first_of(",\"\r\n") == std::string::npos) {
      line += field;
      continue;
    }
    line += '"';
    for (const char c : field) line += c == '"' ? std::string("\"\"") : std::string(1, c);
    line += '"';
  }
  return line + "\n";
}

}  // namespace sparsesim
