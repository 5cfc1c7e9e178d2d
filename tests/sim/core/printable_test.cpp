#include "sim/core/printable.h"

#include <doctest/doctest.h>

namespace sparsesim {
namespace {

TEST_CASE("text keeps its letters and loses what moves a cursor") {
  CHECK(printable("a\x1B[31m\nb\tc\x7F"
                  "d") == "a [31m b c d");
  CHECK(printable("caf\xC3\xA9 \xE2\x86\x92") == "caf\xC3\xA9 \xE2\x86\x92");
  CHECK(printable("\xC2\x9B"
                  "31m\xC2\xA0") == " 31m\xC2\xA0");  // CSI as one character; a blank that does not break
  CHECK(printable("\xFF"
                  "a\xC3") == "?a?");  // no UTF-8, and cut off
  CHECK(printable(std::string_view("a\0b", 3)) == "a b");
  CHECK(printable("abcdef", 3) == "abc...");
  CHECK(printable("abc", 3) == "abc");
}

TEST_CASE("lines stay where they are part of the text") {
  CHECK(printable_lines("a\x1B\nb\n") == "a \nb\n");
  CHECK(printable_lines("") == "");
}

}  // namespace
}  // namespace sparsesim
