#include "sim/stats/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sim/core/utf8.h"

namespace sparsesim {
namespace {

/// Walks a text byte by byte, keeping the place of the next character.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return text_[at_]; }
  int line() const { return line_; }
  int column() const { return column_; }
  bool at_line_end() const { return at_end() || peek() == '\n' || peek() == '\r'; }

  /// Appends one character to `out` and steps over it.
  void take(std::string& out) {
    const auto byte = static_cast<unsigned char>(peek());
    const int length = utf8_length(text_, at_);
    if (length == 0) fail(fmt::format("byte 0x{:02X} is not UTF-8 text", byte));
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) {
      fail(fmt::format("control character 0x{:02X}", byte));
    }
    out.append(text_.substr(at_, static_cast<std::size_t>(length)));
    at_ += static_cast<std::size_t>(length);
    ++column_;
    if (byte == '\n') next_line();
  }
  void skip() {
    ++at_;
    ++column_;
  }
  void skip_line_end() {
    if (at_end()) return;
    if (peek() == '\r') {
      skip();
      if (at_end() || peek() != '\n') fail("a carriage return without line feed");
    }
    ++at_;
    next_line();
  }
  [[noreturn]] void fail(const std::string& message) const { throw CsvError(line_, column_, message); }

 private:
  void next_line() {
    ++line_;
    column_ = 1;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
};

void check_size(const CsvField& field, const CsvLimits& limits) {
  if (static_cast<std::int64_t>(field.text.size()) <= limits.field_bytes) return;
  throw CsvError(field.line, field.column, fmt::format("a field of more than {} bytes", limits.field_bytes));
}

void read_quoted(Cursor& cursor, CsvField& field, const CsvLimits& limits) {
  cursor.skip();  // the opening quote
  while (true) {
    if (cursor.at_end()) throw CsvError(field.line, field.column, "a quote that is never closed");
    if (cursor.peek() != '"') {
      cursor.take(field.text);
      check_size(field, limits);
      continue;
    }
    cursor.skip();
    if (cursor.at_end() || cursor.peek() != '"') break;
    field.text += '"';  // a doubled quote stands for one
    cursor.skip();
  }
  if (!cursor.at_line_end() && cursor.peek() != ',') cursor.fail("text after a closing quote");
}

CsvField read_field(Cursor& cursor, const CsvLimits& limits) {
  CsvField field{{}, cursor.line(), cursor.column()};
  if (!cursor.at_end() && cursor.peek() == '"') {
    read_quoted(cursor, field, limits);
    return field;
  }
  while (!cursor.at_line_end() && cursor.peek() != ',') {
    if (cursor.peek() == '"') cursor.fail("a quote inside a field that is not quoted");
    cursor.take(field.text);
    check_size(field, limits);
  }
  return field;
}

CsvRow read_row(Cursor& cursor, const CsvLimits& limits) {
  CsvRow row;
  row.push_back(read_field(cursor, limits));
  while (!cursor.at_end() && cursor.peek() == ',') {
    if (static_cast<std::int64_t>(row.size()) >= limits.columns) {
      cursor.fail(fmt::format("more than {} columns", limits.columns));
    }
    cursor.skip();
    row.push_back(read_field(cursor, limits));
  }
  cursor.skip_line_end();
  return row;
}

bool is_blank(const CsvRow& row) { return row.size() == 1 && row[0].text.empty(); }

std::vector<std::string> header_names(const CsvRow& row) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const CsvField& field : row) {
    if (field.text.empty()) throw CsvError(field.line, field.column, "a column without a name");
    if (!seen.insert(field.text).second) {
      throw CsvError(field.line, field.column, fmt::format("column \"{}\" is there twice", field.text));
    }
    names.push_back(field.text);
  }
  return names;
}

}  // namespace

CsvError::CsvError(int at_line, int at_column, const std::string& at_message)
    : std::runtime_error(fmt::format("line {}, column {}: {}", at_line, at_column, at_message)),
      line(at_line),
      column(at_column),
      message(at_message) {}

std::optional<std::size_t> CsvTable::column(std::string_view name) const {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) return std::nullopt;
  return static_cast<std::size_t>(found - header.begin());
}

CsvTable parse_csv(std::string_view text, const CsvLimits& limits) {
  if (static_cast<std::int64_t>(text.size()) > limits.bytes) {
    throw CsvError(1, 1, fmt::format("larger than {} bytes", limits.bytes));
  }
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  Cursor cursor(text);
  if (cursor.at_line_end()) cursor.fail("no header line");
  CsvTable table;
  table.header = header_names(read_row(cursor, limits));
  std::optional<CsvField> blank;  // accepted only where nothing follows
  while (!cursor.at_end()) {
    CsvRow row = read_row(cursor, limits);
    const bool empty_line = is_blank(row) && table.header.size() > 1;
    if (!empty_line && blank) throw CsvError(blank->line, blank->column, "an empty line");
    if (empty_line) {
      if (!blank) blank = row.front();
      continue;
    }
    if (row.size() != table.header.size()) {
      throw CsvError(row.front().line, row.front().column,
                     fmt::format("{} fields where the header has {}", row.size(), table.header.size()));
    }
    if (static_cast<std::int64_t>(table.rows.size()) >= limits.rows) {
      throw CsvError(row.front().line, row.front().column, fmt::format("more than {} rows", limits.rows));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string& field = fields[i];
    if (i > 0) line += ',';
    const bool blanks = field.starts_with(' ') || field.ends_with(' ');
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
