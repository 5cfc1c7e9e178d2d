#include "validate/compare/summary.h"

#include <doctest/doctest.h>

#include <cmath>

#include "sim/core/parallel.h"
#include "validate/compare/features.h"

using namespace sparsesim;

namespace {

ComparedRow row(const std::string& id, const std::string& device, double measured, double predicted) {
  ComparedRow out;
  out.file = "some.csv";
  out.measured.id = id;
  out.measured.device = device;
  out.measured.op.op = "gemm";
  out.measured.op.pattern = "dense";
  out.measured.time_us = measured;
  out.predicted.time_us = predicted;
  return out;
}

}  // namespace

TEST_CASE("a failed row is counted and enters no other score") {
  auto failed = row("3", "a", 10.0, 0.0);
  failed.predicted.failed = true;
  failed.predicted.reason = "no model";
  const auto good = row("1", "a", 10.0, 12.0);
  const Summary s = summarise({&good, &failed});
  CHECK(s.rows == 2);
  CHECK(s.failed == 1);
  CHECK(*s.time_mape == doctest::Approx(20.0));
  CHECK_FALSE(s.speedup_mape);
}

TEST_CASE("a file has one entry for all devices, then one per group, and no row is lost") {
  const std::vector<ComparedRow> rows{row("1", "b", 10, 11), row("2", "a", 10, 13), row("3", "a", 10, 8)};
  const auto summaries = summarise_groups(rows);
  REQUIRE(summaries.size() == 3);
  CHECK(summaries[0].device == "*");
  CHECK(summaries[0].op == "gemm");
  CHECK(summaries[0].rows == summaries[1].rows + summaries[2].rows);
  CHECK(*summaries[0].time_mape == doctest::Approx((10.0 + 30.0 + 20.0) / 3));
  CHECK(summaries[1].device == "a");
  CHECK(*summaries[1].time_mape == doctest::Approx((30.0 + 20.0) / 2));
  CHECK(summaries[2].device == "b");
  CHECK(*summaries[2].time_mape == doctest::Approx(10.0));
}

TEST_CASE("a row that was published as a speedup alone is scored as a speedup") {
  auto only = row("1", "a", 0, 5.0);
  only.measured.time_us.reset();
  only.measured.speedup = 2.0;
  only.predicted.speedup = 1.5;
  const Summary s = summarise({&only});
  CHECK_FALSE(s.time_mape);
  CHECK(*s.speedup_mape == doctest::Approx(25.0));
  CHECK(*s.sign_accuracy == doctest::Approx(100.0));
}

TEST_CASE("the worst rows come first, at most so many of each group") {
  const std::vector<ComparedRow> rows{row("1", "a", 10, 11), row("2", "a", 10, 14), row("3", "a", 10, 5),
                                      row("4", "b", 10, 10.1)};
  CHECK(worst_rows(rows, 2) == std::vector<std::size_t>{2, 1});
  CHECK(worst_rows_of_groups(rows, 1) == std::vector<std::size_t>{2, 3});
}

TEST_CASE("the last digit of an id decides its half") {
  CHECK(calibration_half("gemm-open-0011"));
  CHECK_FALSE(calibration_half("gemm-open-0110"));
  CHECK_FALSE(calibration_half(""));
  CHECK_FALSE(calibration_half("x"));
}

TEST_CASE("a regression explains all of what is linear, and nothing that it was not fitted to") {
  const std::vector<std::vector<double>> x{{1, 5}, {2, 3}, {3, 8}, {4, 1}, {5, 9}, {6, 2}};
  std::vector<double> y;
  for (const auto& r : x) y.push_back(3.0 - 2.0 * r[0] + 0.5 * r[1]);
  CHECK(*cross_validated_r_squared(x, y, 3) == doctest::Approx(1.0));
  CHECK(*cross_validated_r_squared({{1, 2}, {2, 4}, {3, 6}, {4, 8}, {5, 10}}, {1, 2, 3, 4, 5}, 5) ==
        doctest::Approx(1.0));
  // One row left out at a time and a feature that says nothing: each is predicted by the mean of the others,
  // (10 - y) / 3, so residuals are (4 y - 10) / 3 = -2, -2/3, 2/3, 2 and their squares sum to 80/9 of 5 in all.
  CHECK(*cross_validated_r_squared({{7}, {7}, {7}, {7}}, {1, 2, 3, 4}, 4) == doctest::Approx(1.0 - 80.0 / 9.0 / 5.0));
  CHECK_FALSE(cross_validated_r_squared({{1}, {2}, {3}}, {1, 2, 3}, 3));
}

TEST_CASE("every index is worked on once, on any number of threads") {
  for (const int threads : {1, 2, 7}) {
    std::vector<int> visits(1000, 0);
    std::size_t last = 0;
    for_each_index(
        visits.size(), threads, [&](std::size_t i) { ++visits[i]; }, [&](std::size_t n) { last = n; });
    CHECK(visits == std::vector<int>(1000, 1));
    CHECK(last == 1000);
  }
}

TEST_CASE("stopping finishes the work at hand and takes no more") {
  std::atomic<bool> stop{false};
  std::atomic<int> worked{0};
  for_each_index(
      1000, 1,
      [&](std::size_t i) {
        ++worked;
        if (i == 4) stop = true;
      },
      {}, &stop);
  CHECK(worked == 5);
}
