#include "sim/stats/csv.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "sim/core/utf8.h"
#include "sim/stats/table.h"

using namespace sparsesim;

namespace {

using Rows = std::vector<std::vector<std::string>>;

struct Reading {
  std::vector<std::string> mistakes;  // "line:column: message" each
  std::vector<CsvRow> rows;
  Rows texts() const {
    Rows texts;
    for (const CsvRow& row : rows) {
      texts.emplace_back();
      for (const CsvField& field : row) texts.back().push_back(field.text);
    }
    return texts;
  }
};

Reading read(const std::string& text, const CsvLimits& limits = {}) {
  Reading reading;
  const auto report = [&](int line, int column, const std::string& message, const std::string&) {
    reading.mistakes.push_back(std::to_string(line) + ":" + std::to_string(column) + ": " + message);
  };
  CsvReader reader(text, report, limits);
  for (CsvRow row; reader.next(row);) reading.rows.push_back(row);
  return reading;
}

/// The one mistake of `text`; empty if it is accepted.
std::string problem(const std::string& text, const CsvLimits& limits = {}) {
  const auto mistakes = read(text, limits).mistakes;
  REQUIRE(mistakes.size() <= 1);
  return mistakes.empty() ? "" : mistakes.front();
}

}  // namespace

TEST_CASE("CSV: fields, quotes and line ends as in RFC 4180") {
  const Reading table = read("\xEF\xBB\xBFid,note\r\n1,\"a \"\"b\"\", c\nd\"\r\n2,\r\n");
  CHECK(table.texts() == Rows{{"id", "note"}, {"1", "a \"b\", c\nd"}, {"2", ""}});
  CHECK(table.rows[2][0].line == 4);  // the quoted line end counts
  CHECK(table.rows[0][1].column == 4);
  CHECK(table.mistakes.empty());
  CHECK(read("id\n\n\nx").texts() == Rows{{"id"}, {"x"}});
  CHECK(read("").texts() == Rows{});
}

TEST_CASE("CSV: every mistake has its line and column") {
  CHECK(problem("a,b\n\xC3\xA9,2\"\n") == "2:4: a quote inside a field");
  CHECK(problem("a,b\n1,\"x\"y\n") == "2:6: text after the closing quote");
  CHECK(problem("a,b\n1,\"x\n\n") == "2:3: this quote is never closed");
  CHECK(problem("a,b\n1,\xFF\n") == "2:3: byte 0xFF is not UTF-8 text");
  CHECK(problem(std::string("a,b\n1,\0\n", 8)) == "2:3: control character 0x00");
  CHECK(problem("a,b\n1,2\r3,4\n") == "2:4: a carriage return without line feed");
  CHECK(problem("a,b\n\n1,2\n\n").empty());
}

TEST_CASE("CSV: reading goes on after a mistake, but not in what is no text") {
  const Reading table = read("a\"b,1\n\"c\"d,2\n3,4\n");
  CHECK(table.mistakes == std::vector<std::string>{"1:2: a quote inside a field", "2:4: text after the closing quote"});
  CHECK(table.texts() == Rows{{"a\"b", "1"}, {"c", "2"}, {"3", "4"}});
  CHECK(read("a\n\xFF").rows.empty());
}

TEST_CASE("CSV: limits hold at the limit and one beyond") {
  CsvLimits limits;
  limits.fields = 2;
  CHECK(problem("a,b\n", limits).empty());
  CHECK(problem("a,b,c,d\n", limits) == "1:5: more than 2 fields in one row");
  limits = {};
  limits.field_bytes = 3;
  CHECK(problem("a\nxyz\n", limits).empty());
  CHECK(problem("a\nvwxyz\n", limits) == "2:1: a field of more than 3 bytes");
}

TEST_CASE("CSV: what is written reads back to the same fields") {
  const Rows rows = {{"plain", "", "a,b", "say \"no\"", "two\nlines", " outer ", "\xC3\xA9"}, {""}, {"\xEF\xBB\xBF"}};
  std::string text;
  for (const auto& row : rows) text += csv_line(row);
  CHECK(read(text).texts() == rows);
  CHECK(csv_line({"a", "b,c"}) == "a,\"b,c\"\n");
}

TEST_CASE("Tables: columns align by code points and lines have no tails") {
  const std::string text =
      format_table({{"name", Align::left}, {"us", Align::right}}, {{"\xC3\xA9t\xC3\xA9", "1.5"}, {"b"}}, 1);
  CHECK(text ==
        " name   us\n"
        " ----  ---\n"
        " \xC3\xA9t\xC3\xA9   1.5\n"
        " b\n");
  CHECK(format_table({{"", Align::left}, {"", Align::left}}, {{"a", "b"}}) == "a  b\n");
  CHECK(markdown_table({{"a", Align::left}, {"b", Align::right}}, {{"x|y", "2"}}) ==
        "| a | b |\n|---|---:|\n| x\\|y | 2 |\n");
  CHECK_THROWS_AS(format_table({{"a", Align::left}}, {{"1", "2"}}), std::invalid_argument);
}

TEST_CASE("UTF-8: lengths, and what is refused") {
  CHECK(utf8_length("a", 0) == 1);
  CHECK(utf8_length("\xC3\xA9", 0) == 2);
  CHECK(utf8_length("\xE2\x82\xAC", 0) == 3);
  CHECK(utf8_length("\xF0\x9F\x98\x80", 0) == 4);
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80"}) {
    CHECK(utf8_length(bad, 0) == 0);
  }
  CHECK(code_points("a\xC3\xA9\xFF") == 3);
}
