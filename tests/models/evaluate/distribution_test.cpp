#include "models/evaluate/distribution.h"

#include <doctest/doctest.h>

#include <numeric>

#include "tests/support/machines.h"

using namespace sparsesim;

namespace {

const std::string kRoot = SPARSESIM_SOURCE_DIR;

const Workload& early_exit() {
  static const Workload workload = load_workload("early-exit", {{kRoot + "/workloads"}});
  return workload;
}

}  // namespace

TEST_CASE("percentiles are nearest ranks: of 1 to 20, the 10th and the 19th") {
  std::vector<double> sample(20);
  std::iota(sample.rbegin(), sample.rend(), 1.0);
  const Spread spread = spread_of(sample);
  CHECK(spread.min == 1);
  CHECK(spread.p50 == 10);  // half of the sample is at most 10
  CHECK(spread.p95 == 19);  // 19 of 20 are at most 19
  CHECK(spread.max == 20);
}

TEST_CASE("of one value every percentile is that value; of none there is no spread") {
  const Spread spread = spread_of({3.5});
  for (const double value : {spread.min, spread.p50, spread.p95, spread.max}) CHECK(value == 3.5);
  CHECK_THROWS_AS(spread_of({}), std::invalid_argument);
}

TEST_CASE("runs over seeds: the same to the bit on one thread and on three, and the first is the plain run") {
  DistributionOptions options{.first_seed = 5, .seeds = 7, .threads = 1};
  const auto serial = over_seeds(early_exit(), a100(), options);
  options.threads = 3;
  const auto parallel = over_seeds(early_exit(), a100(), options);
  REQUIRE(serial.has_value());
  REQUIRE(parallel.has_value());
  CHECK(serial->sparse_us.min == parallel->sparse_us.min);
  CHECK(serial->sparse_us.p50 == parallel->sparse_us.p50);
  CHECK(serial->realised_speedup.p95 == parallel->realised_speedup.p95);
  CHECK(serial->sparse_us.min <= serial->sparse_us.p50);
  CHECK(serial->sparse_us.p50 <= serial->sparse_us.p95);
  CHECK(serial->sparse_us.p95 <= serial->sparse_us.max);
  CHECK(serial->sparse_us.min < serial->sparse_us.max);  // exits are drawn
  CHECK(serial->dense_us.min == serial->dense_us.max);   // the twin draws nothing

  options.seeds = 1;
  RunOptions plain;
  plain.seed = 5;
  CHECK(over_seeds(early_exit(), a100(), options)->sparse_us.p50 == run(early_exit(), a100(), plain).sparse.us());
}

TEST_CASE("a run that only wants times has the times of the full one") {
  RunOptions times;
  times.explain = times.interval = false;
  const RunResult quick = run(early_exit(), a100(), times), full = run(early_exit(), a100(), {});
  CHECK(quick.dense == full.dense);
  CHECK(quick.sparse == full.sparse);
  CHECK(quick.ideal_speedup == full.ideal_speedup);
}

TEST_CASE("once stopped there is no distribution") {
  const std::atomic<bool> stop{true};
  DistributionOptions options{.first_seed = 1, .seeds = 50};
  options.stop = &stop;
  CHECK_FALSE(over_seeds(early_exit(), a100(), options).has_value());
}
