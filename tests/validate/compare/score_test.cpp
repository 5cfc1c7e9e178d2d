#include "validate/compare/score.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace sparsesim;
using Values = std::vector<double>;

TEST_CASE("the error of a prediction is a percentage of what was measured, not of what was predicted") {
  CHECK(absolute_percentage_error(12.0, 10.0) == doctest::Approx(20.0));
  CHECK(absolute_percentage_error(8.0, 10.0) == doctest::Approx(20.0));
  CHECK(absolute_percentage_error(10.0, 8.0) == doctest::Approx(25.0));
}

TEST_CASE("mean, median and 90th percentile of five known errors") {
  const Values errors{4.0, 1.0, 3.0, 2.0, 10.0};
  CHECK(*mean(errors) == doctest::Approx(20.0 / 5));
  CHECK(*quantile(errors, 0.5) == doctest::Approx(3.0));
  // Position 0.9 * 4 = 3.6: six tenths of the way from the fourth value (4) to the fifth (10).
  CHECK(*quantile(errors, 0.9) == doctest::Approx(4.0 + 0.6 * 6.0));
  CHECK(*quantile(Values{1.0, 2.0}, 0.5) == doctest::Approx(1.5));
  CHECK(*quantile(errors, 1.0) == doctest::Approx(10.0));
}

TEST_CASE("nothing was measured: there is no score") {
  CHECK_FALSE(mean(Values{}));
  CHECK_FALSE(quantile(Values{}, 0.5));
  CHECK_FALSE(sign_accuracy(Values{}, Values{}));
  CHECK_FALSE(rank_correlation(Values{}, Values{}));
  CHECK_FALSE(r_squared(Values{}, Values{}));
}

TEST_CASE("a winner exists only outside ten percent of 1x, and the measurement decides which rows count") {
  //                      right wrong no winner measured  right
  const Values predicted{1.30, 1.05, 0.50, 3.00, 0.80};
  const Values measured{1.50, 0.70, 1.05, 0.95, 0.89};
  CHECK(*sign_accuracy(predicted, measured) == doctest::Approx(100.0 * 2 / 3));
}

TEST_CASE("a prediction of exactly 1x names no winner") {
  CHECK(*sign_accuracy(Values{1.0, 1.0}, Values{2.0, 0.5}) == doctest::Approx(0.0));
}

TEST_CASE("equal values share the average of their ranks") {
  CHECK(average_ranks(Values{20.0, 10.0, 20.0, 30.0, 20.0}) == Values{3.0, 1.0, 3.0, 5.0, 3.0});
}

TEST_CASE("rank correlation sees order only") {
  CHECK(*rank_correlation(Values{1, 2, 3, 4}, Values{1, 10, 100, 1000}) == doctest::Approx(1.0));
  CHECK(*rank_correlation(Values{4, 3, 2, 1}, Values{1, 10, 100, 1000}) == doctest::Approx(-1.0));
  // Without ties it is 1 - 6 sum d^2 / (n (n^2 - 1)); ranks 1 2 3 4 5 against 2 1 4 3 5: sum d^2 = 4.
  CHECK(*rank_correlation(Values{1, 2, 3, 4, 5}, Values{2, 1, 4, 3, 5}) == doctest::Approx(1.0 - 6.0 * 4 / (5 * 24)));
}

TEST_CASE("rank correlation with ties is Pearson's of the average ranks") {
  // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: cov = 2.25 + 0 + 0 + 2.25 = 4.5; variances 4.5 and 5.
  CHECK(*rank_correlation(Values{1, 2, 2, 3}, Values{1, 2, 3, 4}) == doctest::Approx(4.5 / std::sqrt(4.5 * 5.0)));
  CHECK_FALSE(rank_correlation(Values{1, 1, 1}, Values{1, 2, 3}));
  CHECK_FALSE(rank_correlation(Values{1}, Values{1}));
}

TEST_CASE("R^2 is 1 for a perfect fit, 0 for the mean, negative for worse") {
  const Values measured{1.0, 2.0, 3.0};
  CHECK(*r_squared(measured, measured) == doctest::Approx(1.0));
  CHECK(*r_squared(Values{2.0, 2.0, 2.0}, measured) == doctest::Approx(0.0));
  // Residuals 0, 1, 0 against a total of 1 + 0 + 1.
  CHECK(*r_squared(Values{1.0, 3.0, 3.0}, measured) == doctest::Approx(1.0 - 1.0 / 2.0));
  CHECK(*r_squared(Values{3.0, 2.0, 1.0}, measured) == doctest::Approx(1.0 - 8.0 / 2.0));
  CHECK_FALSE(r_squared(Values{1.0, 2.0}, Values{5.0, 5.0}));
}
