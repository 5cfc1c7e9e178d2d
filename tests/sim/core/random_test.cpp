#include "sim/core/random.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

namespace sparsesim {
namespace {

TEST_CASE("splitmix64 and xoshiro256** give the published sequence") {
  // State after seeding with 0 is the first four outputs of splitmix64(0), the first being 0xE220A8397B1DCDAF;
  // the first output of xoshiro256** is rotl(s[1] * 5, 7) * 9 with s[1] = 0x6E789E6AA1B965F4.
  const std::uint64_t product = 0x6E789E6AA1B965F4u * 5;
  RandomStream random(0);
  CHECK(random.bits() == ((product << 7) | (product >> 57)) * 9);
}

TEST_CASE("same seed and name, same stream; another name or seed, another stream") {
  RandomStream a(1, "bank 0"), b(1, "bank 0"), c(1, "bank 1"), d(2, "bank 0");
  std::set<std::uint64_t> first;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t x = a.bits();
    REQUIRE(x == b.bits());
    first.insert({x, c.bits(), d.bits()});
  }
  CHECK(first.size() == 300);
}

TEST_CASE("below(n) covers [0, n) evenly, also where n does not divide 2^64") {
  RandomStream random(7);
  for (std::int64_t n : {1, 2, 3, 7, 10}) {
    std::vector<int> counts(static_cast<std::size_t>(n));
    const int draws = 100'000;
    for (int i = 0; i < draws; ++i) ++counts.at(static_cast<std::size_t>(random.below(n)));
    const double mean = draws / static_cast<double>(n);
    for (int count : counts) CHECK(std::abs(count - mean) < 5 * std::sqrt(mean) + 1e-9);
  }
  // With n = 3 * 2^61 a biased reduction (modulo) would put 3/4 of the draws below 2^62; the fair share is 2/3.
  const std::int64_t n = 3ll << 61;
  int low = 0;
  for (int i = 0; i < 30'000; ++i) low += random.below(n) < (1ll << 62);
  CHECK(std::abs(low - 20'000) < 5 * std::sqrt(30'000 * 2.0 / 9));
  CHECK_THROWS_AS(random.below(0), SimulationError);
}

struct Moments {
  double mean = 0, variance = 0;
};
template <class Draw>
Moments moments_of(Draw draw) {
  const int draws = 200'000;
  double sum = 0, squares = 0;
  for (int i = 0; i < draws; ++i) {
    const double x = draw();
    sum += x;
    squares += x * x;
  }
  const double mean = sum / draws;
  return {mean, squares / draws - mean * mean};
}

TEST_CASE("distributions have the mean and variance of their formulas") {
  RandomStream random(11);
  const Moments uniform = moments_of([&] { return random.uniform(2, 5); });
  CHECK(uniform.mean == doctest::Approx(3.5).epsilon(0.005));
  CHECK(uniform.variance == doctest::Approx(9.0 / 12).epsilon(0.02));
  const Moments exponential = moments_of([&] { return random.exponential(3); });
  CHECK(exponential.mean == doctest::Approx(3).epsilon(0.01));
  CHECK(exponential.variance == doctest::Approx(9).epsilon(0.03));
  const Moments normal = moments_of([&] { return random.normal(-1, 2); });
  CHECK(normal.mean == doctest::Approx(-1).epsilon(0.02));
  CHECK(normal.variance == doctest::Approx(4).epsilon(0.03));
}

TEST_CASE("a power law has the CDF (x^(1-a) - low^(1-a)) / (high^(1-a) - low^(1-a))") {
  RandomStream random(13);
  for (double a : {0.5, 1.0, 2.0}) {
    CAPTURE(a);
    const int draws = 100'000;
    int below_10 = 0;
    for (int i = 0; i < draws; ++i) {
      const double x = random.power_law(a, 1, 100);
      REQUIRE(x >= 1 - 1e-12);
      REQUIRE(x <= 100 + 1e-9);
      below_10 += x < 10;
    }
    const double expected = a == 1.0 ? 0.5 : (std::pow(10, 1 - a) - 1) / (std::pow(100, 1 - a) - 1);
    CHECK(below_10 / static_cast<double>(draws) == doctest::Approx(expected).epsilon(0.02));
  }
  CHECK_THROWS_AS(random.power_law(2, 0, 1), SimulationError);
}

}  // namespace
}  // namespace sparsesim
