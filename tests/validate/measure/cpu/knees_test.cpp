// Knees of curves whose truth is known.
#include "validate/measure/cpu/fingerprint/knees.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace sparsesim::measure;

namespace {

/// Latency of a machine with caches of 32 KiB and 512 KiB: 1, 4 and 16 ns.
std::vector<Point> latencies() {
  std::vector<Point> points;
  for (double bytes = 8192; bytes <= (1 << 22); bytes *= 2)
    points.push_back({bytes, bytes <= 32768 ? 1.0 : bytes <= 524288 ? 4.0 : 16.0});
  return points;
}

/// Hash noise of at most `share`, the same in each run.
double noise(int i, double share) { return 1 + share * std::sin(12.9898 * i); }

}  // namespace

TEST_CASE("a capacity is the last footprint before latency rises for good") {
  CHECK(knee(latencies(), 1.6) == 32768);
  CHECK(knee(latencies(), 8) == 524288);
}

TEST_CASE("a curve that never rises, or has one point, has no knee") {
  CHECK_FALSE(knee({{1, 5}, {2, 5}, {4, 5}}, 1.5).has_value());
  CHECK_FALSE(knee({{1, 5}}, 1.5).has_value());
  CHECK_FALSE(knee({}, 1.5).has_value());
}

TEST_CASE("one disturbed point before the end is no knee") {
  std::vector<Point> points = latencies();
  points[0].y = 3;  // 8 KiB, disturbed
  CHECK(knee(points, 1.6) == 32768);
}

TEST_CASE("noise of a tenth moves no knee") {
  std::vector<Point> points = latencies();
  for (std::size_t i = 0; i < points.size(); ++i) points[i].y *= noise(static_cast<int>(i), 0.1);
  CHECK(knee(points, 1.6) == 32768);
  CHECK(knee(points, 8) == 524288);
}

TEST_CASE("two plateaus meet where the curve crosses their geometric mean") {
  // From 10 to 40 between x = 100 and 200; the mean is 20, a third of the way up.
  const std::vector<Point> points = {{50, 10}, {100, 10}, {200, 40}, {400, 40}};
  const auto x = crossing(points, 10, 40);
  REQUIRE(x.has_value());
  CHECK(*x == doctest::Approx(100 + 100 * (20.0 - 10) / (40 - 10)));
  CHECK_FALSE(crossing(points, 50, 60).has_value());
}

TEST_CASE("lowest looks between its bounds alone") {
  CHECK(lowest({{1, 3}, {2, 2}, {4, 1}}, 1, 2) == 2);
  CHECK_FALSE(lowest({{1, 3}}, 2, 4).has_value());
}

TEST_CASE("a fill granule is how long a cost stays that of the smallest piece") {
  // Pieces up to 128 B cost one fill, then one fill each 128 B.
  std::vector<Point> points;
  for (double bytes = 64; bytes <= 4096; bytes *= 2) points.push_back({bytes, 10 * std::ceil(bytes / 128)});
  CHECK(flat_until(points, 0.25) == 128);
  CHECK(flat_until({}, 0.25) == 0);
}

TEST_CASE("stairs tell their width, straight lines tell none") {
  for (const int width : {4, 8, 16}) {
    std::vector<Point> points;
    for (int x = 1; x <= 50; ++x)
      points.push_back({static_cast<double>(x), 100 * std::ceil(static_cast<double>(x) / width) * noise(x, 0.02)});
    CHECK(step_width(points) == width);
  }
  std::vector<Point> line;
  for (int x = 1; x <= 50; ++x) line.push_back({static_cast<double>(x), 5.0 * x * noise(x, 0.05)});
  CHECK(step_width(line) == 1);
}
