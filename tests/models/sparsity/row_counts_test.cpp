#include "models/sparsity/row_counts.h"

#include <doctest/doctest.h>

#include <cmath>

namespace sparsesim {

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

}  // namespace sparsesim
