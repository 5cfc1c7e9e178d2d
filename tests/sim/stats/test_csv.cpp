#include <doctest/doctest.h>

#include <string>

#include "sim/core/utf8.h"
#include "sim/stats/csv.h"
#include "sim/stats/table.h"

using namespace sparsesim;

namespace {

/// "line:column: message" of the error that `text` raises; empty if it is accepted.
std::string problem(const std::string& text, const CsvLimits& limits = {}) {
  try {
    parse_csv(text, limits);
  } catch (const CsvError& error) {
    return std::to_string(error.line) + ":" + std::to_string(error.column) + ": " + error.message;
  }
  return {};
}

}  // namespace

TEST_CASE("CSV: fields, quotes and line ends as in RFC 4180") {
  const CsvTable table = parse_csv("\xEF\xBB\xBFid,note\r\n1,\"a \"\"b\"\", c\nd\"\r\n2,\r\n");
  CHECK(table.header == std::vector<std::string>{"id", "note"});
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0][1].text == "a \"b\", c\nd");
  CHECK(table.rows[1][1].text.empty());
  CHECK(table.rows[1][0].line == 4);  // the quoted line end counts
  CHECK(table.column("note") == 1);
  CHECK_FALSE(table.column("nothing"));
}

TEST_CASE("CSV: every mistake has its line and column") {
  CHECK(problem("") == "1:1: no header line");
  CHECK(problem("\na\n") == "1:1: no header line");
  CHECK(problem("a,a\n") == "1:3: column \"a\" is there twice");
  CHECK(problem("a,\n") == "1:3: a column without a name");
  CHECK(problem("a,b\n1\n") == "2:1: 1 fields where the header has 2");
  CHECK(problem("a,b\n1,2,3\n") == "2:1: 3 fields where the header has 2");
  CHECK(problem("a,b\n\xC3\xA9,2\"\n") == "2:4: a quote inside a field that is not quoted");
  CHECK(problem("a,b\n1,\"x\"y\n") == "2:6: text after a closing quote");
  CHECK(problem("a,b\n1,\"x\n\n") == "2:3: a quote that is never closed");
  CHECK(problem("a,b\n1,\xFF\n") == "2:3: byte 0xFF is not UTF-8 text");
  CHECK(problem(std::string("a,b\n1,\0\n", 8)) == "2:3: control character 0x00");
  CHECK(problem("a,b\n1,2\r3,4\n") == "2:5: a carriage return without line feed");
  CHECK(problem("a,b\n\n1,2\n") == "2:1: an empty line");
  CHECK(problem("a,b\n1,2\n\n\n").empty());
}

TEST_CASE("CSV: limits hold at the limit and one beyond") {
  CsvLimits limits;
  limits.rows = 2;
  CHECK(problem("a\n1\n2\n", limits).empty());
  CHECK(problem("a\n1\n2\n3\n", limits) == "4:1: more than 2 rows");
  limits = {};
  limits.columns = 2;
  CHECK(problem("a,b\n", limits).empty());
  CHECK(problem("a,b,c\n", limits) == "1:4: more than 2 columns");
  limits = {};
  limits.field_bytes = 3;
  CHECK(problem("a\nxyz\n", limits).empty());
  CHECK(problem("a\nwxyz\n", limits) == "2:1: a field of more than 3 bytes");
  limits = {};
  limits.bytes = 4;
  CHECK(problem("a\n1\n", limits).empty());
  CHECK(problem("a\n12\n", limits) == "1:1: larger than 4 bytes");
}

TEST_CASE("CSV: what is written reads back to the same fields") {
  const std::vector<std::string> fields = {"plain", "", "a,b", "say \"no\"", "two\nlines", " outer ", "\xC3\xA9"};
  const CsvTable table = parse_csv("a,b,c,d,e,f,g\n" + csv_line(fields));
  REQUIRE(table.rows.size() == 1);
  for (std::size_t i = 0; i < fields.size(); ++i) CHECK(table.rows[0][i].text == fields[i]);
  CHECK(csv_line({"a", "b,c"}) == "a,\"b,c\"\n");
  CHECK(parse_csv("a\n" + csv_line({""})).rows.size() == 1);  // a row with one empty field is no empty line
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
