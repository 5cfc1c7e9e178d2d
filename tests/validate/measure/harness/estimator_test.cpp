#include "validate/measure/harness/estimator.h"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace sparsesim::measure;

TEST_CASE("a quantile lies on the line between order statistics") {
  // Eleven values 0..10: the 10th percentile is at place 0.1 * 10 = 1.
  CHECK(quantile({10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}, 0.1) == doctest::Approx(1));
  // Four values: place 0.1 * 3 = 0.3, three tenths of the way from 2 to 4.
  CHECK(quantile({8, 2, 6, 4}, 0.1) == doctest::Approx(2.6));
  CHECK(quantile({3}, 0.9) == 3);
}

TEST_CASE("samples of all visits count alike") {
  const Estimate e = estimate({{1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 2}});
  CHECK(e.samples == 11);
  CHECK(e.visits == 2);
  CHECK(e.p10_s == 1);
  CHECK(e.p90_s == 1);  // place 9 of 0..10: the last but one
  CHECK(e.visit_spread == 1);
  CHECK_FALSE(e.disturbed);
}

TEST_CASE("one slow sample in ten does not move the estimate, and half of them mark the row") {
  std::vector<double> visit(10, 1.0);
  visit[0] = 100;
  CHECK(estimate({visit}).p10_s == 1);
  CHECK_FALSE(estimate({visit}).disturbed);
  for (int i = 0; i < 6; ++i) visit[i] = 1.3;  // now the median is 1.3 of the p10
  CHECK(estimate({visit}).p10_s == 1);
  CHECK(estimate({visit}).disturbed);
}

TEST_CASE("visits that differ by more than 15 % mark the row") {
  CHECK_FALSE(estimate({{1.0}, {1.14}}).disturbed);
  const Estimate e = estimate({{1.0}, {1.16}});
  CHECK(e.disturbed);
  CHECK(e.visit_spread == doctest::Approx(1.16));
  CHECK(note_text(e) == "p50_us=1.08e+06;p90_us=1.144e+06;samples=2;visits=2;visit_spread=1.160;disturbed=yes");
}

TEST_CASE("a visit without samples is none; without any there is no estimate") {
  CHECK(estimate({{}, {2.0}}).visits == 1);
  CHECK_THROWS_AS(estimate({{}, {}}), std::invalid_argument);
}
