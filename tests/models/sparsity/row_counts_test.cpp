#include "models/sparsity/row_counts.h"

#include <doctest/doctest.h>

#include <cmath>

namespace sparsesim {
namespace {

std::string first_mistake(const std::string& text) {
  config::Diagnostics diagnostics;
  CHECK(read_smtx(text, "mask.smtx", diagnostics).units.empty());
  REQUIRE_FALSE(diagnostics.empty());
  const auto& mistake = diagnostics.mistakes().front();
  return std::to_string(mistake.position.line) + ":" + std::to_string(mistake.position.column) + ": " + mistake.message;
}

}  // namespace

TEST_CASE("random rows have the mean and the spread of a binomial distribution") {
  const std::int64_t rows = 20000, columns = 1000;
  const double density = 0.1;
  const RowCounts counts = random_row_counts(rows, columns, density, 7);
  double sum = 0, squares = 0;
  for (const double units : counts.units) {
    sum += units;
    squares += units * units;
  }
  const double mean = sum / rows, variance = squares / rows - mean * mean;
  // Standard error of the mean: sqrt(90 / 20000) = 0.067; of the variance about 1 %.
  CHECK(std::abs(mean - 100) < 0.3);
  CHECK(variance == doctest::Approx(columns * density * (1 - density)).epsilon(0.05));
  CHECK(counts.density() == doctest::Approx(mean / columns));
  CHECK(random_row_counts(rows, columns, density, 7).units == counts.units);
}

TEST_CASE("no row stores less than nothing or more than it has") {
  for (const double density : {0.0, 0.001, 0.5, 0.999, 1.0})
    for (const std::int32_t units : random_row_counts(1000, 8, density, 1).units) {
      CHECK(units >= 0);
      CHECK(units <= 8);
    }
}

TEST_CASE("smtx: three lines, blanks or commas between numbers") {
  config::Diagnostics diagnostics;
  const RowCounts counts = read_smtx("3, 4, 5\n0 2 2 5 \n0 3 1 2 3\n", "mask.smtx", diagnostics);
  CHECK(diagnostics.empty());
  CHECK(counts.units == std::vector<std::int32_t>{2, 0, 3});
  CHECK(counts.columns == 4);
  CHECK(counts.density() == doctest::Approx(5.0 / 12));
}

TEST_CASE("smtx: every mistake at its place, sizes before memory") {
  CHECK(first_mistake("") == "1:1: the line ends before its number of rows");
  CHECK(first_mistake("3, x, 5\n") == "1:4: expected a number (number of columns)");
  CHECK(first_mistake("2000000000, 4, 5\n") == "1:17: 2000000000 rows and 5 nonzeros do not fit into 17 bytes");
  CHECK(first_mistake("1, 4, 2\n0 3\n0 1\n") == "2:3: row offset 3 is not within 0..2");
  CHECK(first_mistake("2, 4, 2\n0 2 1\n0 1\n") == "2:6: a row of -1 nonzeros in 4 columns");
  CHECK(first_mistake("1, 4, 2\n0 1\n0 1\n") == "2:4: the rows hold 1 nonzeros, the first line says 2");
  CHECK(first_mistake("1, 4, 2\n0 2\n0 4\n") == "3:3: column index 4 is not within 0..3");
  CHECK(first_mistake("1, 4, 2\n0 2\n0 1 2\n") == "3:5: more numbers than the first line says");
}

}  // namespace sparsesim
