// Bracketing of functions that are known: several crossings, plateaus, holes.
#include "models/explore/crossing.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace sparsesim {
namespace {

using Function = std::function<std::optional<double>(std::int64_t)>;

std::vector<Sample> sampled(const Function& f, std::int64_t last, std::int64_t step) {
  std::vector<Sample> samples;
  for (std::int64_t position = 0; position <= last; position += step)
    if (const auto value = f(position)) samples.push_back({position, *value});
  return samples;
}

std::vector<Bracket> crossings(const Function& f, std::int64_t last, std::int64_t step, double target) {
  std::vector<Bracket> found = brackets(sampled(f, last, step), target);
  for (Bracket& bracket : found) bracket = narrow(bracket, target, f);
  return found;
}

}  // namespace

TEST_CASE("every crossing that the samples separate is found, between neighbours and with its direction") {
  // A wave of period 400 that starts at 1.5: above 1 in [0, 100), (300, 500), (700, 800].
  const Function wave = [](std::int64_t x) {
    return 1.0 + 0.5 * std::cos(2 * 3.14159265358979 * static_cast<double>(x) / 400.0);
  };
  const auto found = crossings(wave, 800, 50, 1.0 + 1e-9);
  REQUIRE(found.size() == 4);
  const std::int64_t expected[] = {99, 300, 499, 700};  // last position before each
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(found[i].closed());
    CHECK(found[i].left.position == expected[i]);
    CHECK(found[i].pays_right(1.0 + 1e-9) == (i % 2 == 1));
    CHECK((wave(found[i].left.position) > 1.0 + 1e-9) != (wave(found[i].right.position) > 1.0 + 1e-9));
    CHECK(found[i].left.value == *wave(found[i].left.position));
  }
}

TEST_CASE("a value equal to the target is not above it") {
  const Function plateau = [](std::int64_t x) { return x < 30 ? 0.5 : x <= 70 ? 1.0 : 1.5; };
  const auto found = crossings(plateau, 100, 10, 1);
  REQUIRE(found.size() == 1);  // the plateau's begin is no crossing
  CHECK(found[0].left.position == 70);
  CHECK(found[0].left.value == 1);
  CHECK(crossings([](std::int64_t) { return 1.0; }, 100, 10, 1).empty());
  const Function dip = [](std::int64_t x) { return x < 30 || x > 70 ? 1.5 : 1.0; };
  CHECK(crossings(dip, 100, 10, 1).size() == 2);
}

TEST_CASE("positions without a value are stepped around") {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const Function multiples = [&](std::int64_t x) -> std::optional<double> {  // only multiples of 4 can be had
    if (x % 4 == 1) return none;
    if (x % 4 != 0) return std::nullopt;
    return x < 50 ? 0.9 : 1.1;
  };
  const auto found = crossings(multiples, 96, 32, 1);
  REQUIRE(found.size() == 1);
  CHECK(found[0].left.position == 48);
  CHECK(found[0].right.position == 52);
  CHECK_FALSE(found[0].closed());
  // The sample at 50 of the scan has no value: its neighbours make the bracket.
  CHECK(brackets(std::vector<Sample>{{0, 0.5}, {50, none}, {100, 1.5}}, 1).size() == 1);
  CHECK(brackets(std::vector<Sample>{{0, none}, {50, none}}, 1).empty());
  CHECK(brackets({}, 1).empty());
}

TEST_CASE("a bracket without a value inside stays, after a bounded number of tries") {
  std::int64_t asked = 0;
  const Function nothing = [&](std::int64_t) -> std::optional<double> {
    ++asked;
    return std::nullopt;
  };
  const Bracket wide = narrow({{0, 0.5}, {1'000'000'000'000, 1.5}}, 1, nothing);
  CHECK(wide.right.position == 1'000'000'000'000);
  CHECK(asked == kProbes);
}

TEST_CASE("bisection takes as many steps as the bracket has bits") {
  std::int64_t asked = 0;
  const std::int64_t edge = 123'456'789'012;
  const Function step = [&](std::int64_t x) {
    ++asked;
    return x < edge ? 2.0 : 0.5;
  };
  const Bracket found = narrow({{0, 2.0}, {std::int64_t{1} << 40, 0.5}}, 1, step);
  CHECK(found.right.position == edge);
  CHECK(found.pays(1).position == edge - 1);
  CHECK(asked == 40);
  const std::atomic<bool> stop = true;
  CHECK(narrow({{0, 2.0}, {64, 0.5}}, 1, step, &stop).right.position == 64);
}

}  // namespace sparsesim
