#include "models/sparsity/row_counts.h"

#include <doctest/doctest.h>

#include <cmath>
#include <thread>
#include <vector>

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

TEST_CASE("all rows together store what the density says, however few units there are") {
  for (const std::int64_t rows : {1, 3, 16, 1000})
    for (const std::int64_t columns : {1, 7, 16, 4000})
      for (const double density : {0.0, 0.01, 0.05, 0.2, 0.5, 0.97, 1.0})
        for (const std::uint64_t seed : {1, 2, 3}) {
          const double expected = std::floor(density * static_cast<double>(columns) * static_cast<double>(rows) + 0.5);
          CHECK(static_cast<double>(random_row_counts(rows, columns, density, seed).total()) == expected);
        }
}

TEST_CASE("rows depend on their seed alone, not on what was drawn before") {
  const auto drawn_alone = [](std::int64_t rows, double density, std::uint64_t seed) {
    std::vector<std::int32_t> units;
    std::thread([&] { units = random_row_counts(rows, 100, density, seed).units; }).join();
    return units;
  };
  const std::int64_t many = 70'000;  // more than are kept between draws
  for (const std::uint64_t seed : {3, 4, 3})
    for (const std::int64_t rows : {std::int64_t{10}, many, std::int64_t{2000}, many})
      for (const double density : {0.1, 0.7})
        CHECK(random_row_counts(rows, 100, density, seed).units == drawn_alone(rows, density, seed));
  CHECK(drawn_alone(many, 0.3, 3) != drawn_alone(many, 0.3, 4));
}

}  // namespace sparsesim
