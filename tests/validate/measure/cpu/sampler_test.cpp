// Items whose times are set, not measured.
#include "validate/measure/cpu/fingerprint/sampler.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace sparsesim::measure;

namespace {

const auto kQuiet = [](double, const std::string&) {};

}  // namespace

TEST_CASE("a sample is as many operations as take the time asked for") {
  Sampler sampler({3, 5, 1e-3, 10, 10});
  long most = 0;
  sampler.add({"item",
               0,
               [&](long count) {
                 most = std::max(most, count);
                 return 1e-6 * static_cast<double>(count);
               },
               {}});
  sampler.run(kQuiet);
  CHECK(most >= 800);  // 0.8 ms of 1 us each
  CHECK(most <= 20000);
  CHECK(sampler.at("item").value == doctest::Approx(1e-6));
  CHECK(sampler.at("item").visits == 3);
  CHECK(sampler.at("item").samples == 15);
}

TEST_CASE("the best visit counts and the worst one is the end of the range") {
  Sampler sampler({3, 5, 1e-3, 10, 10});
  int visit = 0;
  sampler.add({"item", 7, [&](long count) { return (visit == 2 ? 1e-6 : 3e-6) * static_cast<double>(count); },
               [&] { ++visit; }});
  sampler.run(kQuiet);
  CHECK(sampler.at("item", 7).value == doctest::Approx(1e-6));
  CHECK(sampler.at("item", 7).low == doctest::Approx(1e-6));
  CHECK(sampler.at("item", 7).high == doctest::Approx(3e-6));
}

TEST_CASE("what was not sampled is zero") {
  const Sampler sampler{Effort{}};
  CHECK(sampler.at("nothing").value == 0);
  CHECK(sampler.places("nothing").empty());
  CHECK(sampler.curve("nothing", [](double, double s) { return s; }).empty());
}

TEST_CASE("a curve has its points by rising x, its quantiles by what is shown") {
  Sampler sampler({3, 5, 1e-3, 10, 10});
  for (const double bytes : {64.0, 8.0})
    sampler.add({"runs", bytes, [bytes](long count) { return 1e-9 * bytes * static_cast<double>(count); }, {}});
  sampler.run(kQuiet);
  const auto curve = sampler.curve("runs", [](double x, double seconds) { return x / seconds * 1e-9; });
  REQUIRE(curve.size() == 2);
  CHECK(curve[0].x == 8);
  CHECK(curve[1].x == 64);
  for (const CurveEntry& point : curve) {
    CHECK(point.p10 == doctest::Approx(1));  // 1 GB/s
    CHECK(point.p10 <= point.p50);
    CHECK(point.p50 <= point.p90);
  }
}
