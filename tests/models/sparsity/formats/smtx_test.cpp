#include <doctest/doctest.h>

#include "models/sparsity/formats/mask_formats.h"

namespace sparsesim {
namespace {

std::string first_mistake(const std::string& text) {
  config::Diagnostics diagnostics;
  CHECK(read_smtx(text, "mask.smtx", diagnostics).indices.empty());
  REQUIRE_FALSE(diagnostics.empty());
  const auto& mistake = diagnostics.mistakes().front();
  return std::to_string(mistake.position.line) + ":" + std::to_string(mistake.position.column) + ": " + mistake.message;
}

}  // namespace

TEST_CASE("smtx: three lines, blanks or commas between numbers, columns in any order") {
  config::Diagnostics diagnostics;
  const Mask mask = read_smtx("3, 4, 5\n0 2 2 5 \n3 0 1 2 3\n", "mask.smtx", diagnostics);
  CHECK(diagnostics.empty());
  CHECK(mask.rows == 3);
  CHECK(mask.columns == 4);
  CHECK(mask.offsets == std::vector<std::int64_t>{0, 2, 2, 5});
  CHECK(mask.indices == std::vector<std::int32_t>{0, 3, 1, 2, 3});
  CHECK(row_counts(mask).units == std::vector<std::int32_t>{2, 0, 3});
  CHECK(mask.density() == doctest::Approx(5.0 / 12));
}

TEST_CASE("smtx: every mistake at its place, sizes before memory") {
  CHECK(first_mistake("") == "1:1: the line ends before its number of rows");
  CHECK(first_mistake("3, x, 5\n") == "1:4: expected a number (number of columns)");
  CHECK(first_mistake("4000000, 4, 5\n") == "1:13: 4000000 rows and 5 nonzeros do not fit into 14 bytes");
  CHECK(first_mistake("1, 4194305, 0\n0 0\n\n") == "1:4: number of columns 4194305 is not within 0..4194304");
  CHECK(first_mistake("1, 99999999999999999999, 0\n") ==
        "1:4: number of columns 99999999999999999999 is not within 0..4194304");
  CHECK(first_mistake("1, 4, 134217729\n") == "1:7: number of nonzeros 134217729 is not within 0..134217728");
  CHECK(first_mistake("0, 4, 0\n0\n\n") == "1:7: a matrix of 0 x 4 has no place");
  CHECK(first_mistake("1, 4, 2\n0 3\n0 1\n") == "2:3: row offset 3 is not within 0..2");
  CHECK(first_mistake("2, 4, 2\n0 2 1\n0 1\n") == "2:5: a row of -1 nonzeros in 4 columns");
  CHECK(first_mistake("1, 4, 2\n0 1\n0 1\n") == "2:3: the rows hold 1 nonzeros, the first line says 2");
  CHECK(first_mistake("1, 4, 2\n0 2\n0 4\n") == "3:3: column index 4 is not within 0..3");
  CHECK(first_mistake("1, 4, 2\n0 2\n0 1 2\n") == "3:5: more numbers than the first line says");
  CHECK(first_mistake("2, 4, 4\n0 1 4\n1 2 1 2\n") == "3:7: column 2 twice in row 1");
  CHECK(first_mistake("1, 4, 2\n0 2\n0 1\n2\n") == "4:1: more lines than the three of a matrix");
}

}  // namespace sparsesim
