#include "models/evaluate/evaluate.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace sparsesim;

TEST_CASE("the factors of a waterfall multiply to ideal over realised, exactly as many as there are mechanisms") {
  Counterfactuals runs;
  const std::size_t terms = loss_term_names().size();
  for (std::size_t i = 0; i < terms; ++i) {
    runs.dense_seconds.push_back(10.0 + static_cast<double>(i));
    runs.sparse_seconds.push_back(2.0 + 0.7 * static_cast<double>(i));
  }
  const double ideal = 8.0;
  const double realised = runs.dense_seconds.back() / runs.sparse_seconds.back();
  double product = 1;
  for (const auto& term : waterfall(ideal, runs)) product *= term.factor;
  CHECK(waterfall(ideal, runs).size() == terms);
  CHECK(product == doctest::Approx(ideal / realised).epsilon(1e-12));
}

TEST_CASE("a mechanism that costs the dense twin more than the sparse run is a gain: its factor is below 1") {
  const std::size_t terms = loss_term_names().size();
  Counterfactuals runs;
  runs.dense_seconds.assign(terms, 10.0);
  runs.sparse_seconds.assign(terms, 5.0);
  runs.dense_seconds.back() = 20.0;  // only the last mechanism, and only dense pays
  const auto lost = waterfall(2.0, runs);
  CHECK(lost.back().factor == doctest::Approx(0.5));
  CHECK(lost.front().factor == doctest::Approx(1.0));
}

TEST_CASE("nothing against nothing is no speedup: an exchange made ideal does not divide by zero") {
  const std::size_t terms = loss_term_names().size();
  Counterfactuals runs;
  runs.dense_seconds.assign(terms, 0.0);
  runs.sparse_seconds.assign(terms, 0.0);
  runs.dense_seconds.back() = runs.sparse_seconds.back() = 3.0;
  for (const auto& term : waterfall(1.0, runs)) CHECK(std::isfinite(term.factor));
}

TEST_CASE("the quick estimate of 87 % zeros with 0.31, 0.42 and 0.55 aligned is 1.37, the published 1.4x") {
  SparsitySummary s;
  s.declared = 0.87;
  s.aligned_cache = 0.31;
  s.aligned_dispatch = 0.42;
  s.aligned_transfer = 0.55;
  CHECK(quick_estimate(s) == doctest::Approx(1.0 / (1.0 - 0.87 * 0.31)));
  CHECK(quick_estimate(s) == doctest::Approx(1.37).epsilon(0.005));
}

TEST_CASE("ideal speedup: 75 % zeros promise 4x, and all zeros stay a finite number") {
  CHECK(ideal_speedup(0.75) == doctest::Approx(4.0));
  CHECK(std::isfinite(ideal_speedup(1.0)));
}
