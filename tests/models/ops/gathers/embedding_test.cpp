// Laws of gathers: whole granules move, popular rows are found in L2, a random read has a floor, a scan has none.

#include "models/ops/gathers/embedding.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <list>
#include <string>
#include <vector>

#include "models/compute/player.h"
#include "models/ops/gathers/gather_reuse.h"
#include "models/ops/registry.h"
#include "sim/core/random.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

BagSize bags(std::int64_t count, std::int64_t pooling, std::int64_t dim, double skew = 0) {
  BagSize size;
  size.rows = 1'000'000;
  size.dim = dim;
  size.bags = count;
  size.pooling = pooling;
  size.skew = skew;
  return size;
}

LaunchResult play_bags(const BagSize& size, const Ideal& ideal = {}) {
  return play(lower_bags(size, a100(), ideal), a100(), ideal);
}

double index_and_result_bytes(const BagSize& size) {
  return size.lookups() * 8 + static_cast<double>(size.bags * size.dim) * 2;
}

/// Misses of a simulated least-recently-used cache of `capacity` rows, empty at first.
double simulated_misses(std::int64_t rows, double exponent, std::int64_t lookups, std::size_t capacity) {
  std::vector<double> until;
  double sum = 0;
  for (std::int64_t rank = 1; rank <= rows; ++rank)
    until.push_back(sum += std::pow(static_cast<double>(rank), -exponent));
  RandomStream random(7, "lookups");
  std::list<std::size_t> kept;  // oldest last
  std::vector<std::list<std::size_t>::iterator> place(until.size(), kept.end());
  double misses = 0;
  for (std::int64_t i = 0; i < lookups; ++i) {
    const auto row = static_cast<std::size_t>(std::upper_bound(until.begin(), until.end() - 1, random.uniform() * sum) -
                                              until.begin());
    if (place[row] != kept.end()) {
      kept.erase(place[row]);
    } else {
      ++misses;
      if (kept.size() == capacity) {
        place[kept.back()] = kept.end();
        kept.pop_back();
      }
    }
    place[row] = kept.insert(kept.begin(), row);
  }
  return misses;
}

}  // namespace

TEST_CASE("a row moves the granules that it touches, whole ones") {
  CHECK(touched_bytes(256, 64) == 256);
  CHECK(touched_bytes(16, 32) == 32);
  CHECK(touched_bytes(48, 32) == 64);    // starts at 0 and 16 of a granule: two granules either way
  CHECK(touched_bytes(100, 32) == 128);  // starts at multiples of 4: 4 granules on average
}

TEST_CASE("granules of a row, counted start by start") {
  for (const std::int64_t bytes : {8, 24, 40, 96, 100, 200, 333}) {
    for (const std::int64_t granule : {32, 64}) {
      double touched = 0;
      for (std::int64_t row = 0; row < granule; ++row) {  // starts repeat after so many rows
        const std::int64_t begin = row * bytes, end = begin + bytes;
        touched += static_cast<double>((end + granule - 1) / granule - begin / granule);
      }
      CHECK(touched_bytes(bytes, granule) == doctest::Approx(touched));  // mean granules times granule
    }
  }
}

TEST_CASE("expected misses agree with a simulated cache") {
  for (const double exponent : {0.0, 0.8, 1.05, 1.5}) {
    for (const std::size_t capacity : {50u, 500u, 3000u}) {
      CAPTURE(exponent);
      CAPTURE(capacity);
      const double expected = RowPopularity(3000, exponent).expected_misses(60000, static_cast<double>(capacity));
      const double simulated = simulated_misses(3000, exponent, 60000, capacity);
      CHECK(std::abs(simulated - expected) < 0.01 * expected + 3 * std::sqrt(expected));  // and the luck of the draw
    }
  }
}

TEST_CASE("a cache as large as the table misses each row once; lookups of one row miss once") {
  CHECK(RowPopularity(1000, 0).expected_misses(1e6, 1000) == doctest::Approx(1000));
  CHECK(RowPopularity(1, 0).expected_misses(1e6, 1) == doctest::Approx(1));
  CHECK(RowPopularity(1000, 1).expected_distinct(1) == doctest::Approx(1));
}

TEST_CASE("a scan mispredicts each named row where few are, each row where many lookups are, and at chance most") {
  const std::int64_t rows = 10000;
  const RowPopularity alike(rows, 0);
  CHECK(alike.expected_mispredictions(0) == 0);
  CHECK(alike.expected_mispredictions(10) == doctest::Approx(10).epsilon(0.01));
  CHECK(alike.expected_mispredictions(1e6) == doctest::Approx(rows));
  // One in two rows is named: half of the first branches are wrong, at least.
  CHECK(alike.expected_mispredictions(std::log(2.0) * rows) > 0.5 * rows);
  // Popular rows end their loops less often than as many lookups of all rows alike.
  CHECK(RowPopularity(rows, 1).expected_mispredictions(rows) < alike.expected_mispredictions(rows));
}

TEST_CASE("bins of ranks stand for the ranks") {
  const double exponent = 1.05, lookups = 1e5;
  double sum = 0, distinct = 0;
  for (int rank = 1; rank <= 200'000; ++rank) sum += std::pow(rank, -exponent);
  for (int rank = 1; rank <= 200'000; ++rank) distinct += 1 - std::pow(1 - std::pow(rank, -exponent) / sum, lookups);
  CHECK(RowPopularity(200'000, exponent).expected_distinct(lookups) == doctest::Approx(distinct).epsilon(1e-4));
}

TEST_CASE("rows asked for once come from DRAM in whole fill granules, with their numbers, and sums go back") {
  // 40 elements of 2 B start at every multiple of 16 B: 80 - 16 + 64 B of fill granules on average.
  BagSize size = bags(512, 2, 40);
  size.rows = std::int64_t{1} << 30;  // so many that none is asked for twice
  const LaunchResult result = play_bags(size);
  CHECK(result.counters.dram_bytes == doctest::Approx(1024 * 128 + index_and_result_bytes(size)).epsilon(1e-4));
  const LaunchResult ideal = play_bags(size, Ideal{.overfetch = true});
  CHECK(ideal.counters.dram_bytes == doctest::Approx(1024 * 80 + index_and_result_bytes(size)).epsilon(1e-4));
}

TEST_CASE("without row numbers the same rows come, and nothing else is read") {
  BagSize size = bags(512, 2, 64);
  size.rows = std::int64_t{1} << 30;
  const LaunchResult ideal = play_bags(size, Ideal{.metadata = true});
  CHECK(ideal.counters.dram_bytes == doctest::Approx(1024 * 128 + 512 * 64 * 2).epsilon(1e-4));
  CHECK(ideal.time < play_bags(size).time);
}

TEST_CASE("a table that L2 holds comes from DRAM once, however often its rows are asked for") {
  BagSize size = bags(8192, 50, 64);
  size.rows = 20'000;  // of 128 B: 2.6 MB
  const LaunchResult result = play_bags(size);
  CHECK(result.counters.dram_bytes == doctest::Approx(20'000 * 128.0 + index_and_result_bytes(size)).epsilon(1e-3));
  CHECK(result.counters.l2_bytes >= size.lookups() * 128);
}

TEST_CASE("popular rows are found in L2: the more skewed, the fewer bytes, until L2 itself sets the time") {
  double bytes = 1e18, seconds = 1e18;
  for (const double skew : {0.0, 0.8, 1.05, 1.3}) {
    const LaunchResult result = play_bags(bags(8192, 40, 128, skew));
    CHECK(result.counters.dram_bytes < bytes);
    CHECK(result.time.seconds() <= seconds);
    CHECK(result.time.seconds() >= result.counters.l2_bytes / a100().memory.l2_bandwidth);
    bytes = result.counters.dram_bytes;
    seconds = result.time.seconds();
  }
}

TEST_CASE("time is at least that of the bytes at the achieved bandwidth, and of its own bound") {
  for (const std::int64_t dim : {16, 64, 256, 1024}) {
    const LaunchResult result = play_bags(bags(16384, 20, dim));
    CHECK(result.time.seconds() >= result.counters.dram_bytes / a100().memory.dram_achieved);
    CHECK(result.time.seconds() >= result.bound_seconds());
  }
}

TEST_CASE("long rows reach the share of the peak that was measured") {
  // Published: rows of 5 KB at 79 to 83 % of the peak of H100.
  const Substrate h100 = load_substrate("h100-sxm5-80gb", shipped_substrates());
  BagSize size = bags(16384, 20, 2560);
  size.rows = 10'000'000;
  const LaunchResult result = play(lower_bags(size, h100, {}), h100, {});
  const double rate = size.lookups() * 5120 / result.time.seconds();
  CHECK(rate / h100.memory.dram_peak == doctest::Approx(0.80).epsilon(0.05));
}

TEST_CASE("a kernel that cannot be is refused by name") {
  Substrate odd = a100();
  for (Kernel& kernel : odd.kernels)
    if (kernel.op == "embedding_bag") kernel.constants.at("threads").value = 16;
  CHECK_THROWS_WITH_AS(lower_bags(bags(8, 2, 64), odd, {}),
                       "kernel table_batched_embedding: threads is 16, at least 32 is needed", UnsupportedError);
}

TEST_CASE("short rows cost per row, long rows per byte") {
  // Published: 64 to 128 B costs 1.23 times, 128 to 256 B 1.79 times, 256 to 512 B 2.11 times.
  const auto seconds = [](std::int64_t row_bytes) {
    BagSize size = bags(65536, 20, row_bytes / 2);
    size.rows = 20'000'000;
    return play_bags(size, Ideal{.fixed_cost = true}).time.seconds();
  };
  CHECK(seconds(128) / seconds(64) < 1.3);
  CHECK(seconds(256) / seconds(128) > 1.3);
  CHECK(seconds(512) / seconds(256) > 1.8);
  CHECK(seconds(512) / seconds(256) < 2.2);
}

TEST_CASE("useful bandwidth rises with the row: in proportion while a granule is not full, up to the stream's beyond") {
  double before = 0;
  std::vector<double> rates;
  for (std::int64_t row_bytes = 4; row_bytes <= 4096; row_bytes *= 2) {
    BagSize size = bags(65536, 20, row_bytes / 2);
    size.rows = 2'000'000'000 / row_bytes * 16;  // so many that hardly one is asked for twice
    size.index_bytes = 4;
    const double seconds = play_bags(size, Ideal{.fixed_cost = true, .metadata = true}).time.seconds();
    rates.push_back(size.lookups() * static_cast<double>(row_bytes) / seconds);
    CHECK(rates.back() > before);
    before = rates.back();
  }
  CHECK(rates.at(4) / rates.at(0) == doctest::Approx(16).epsilon(0.1));  // 64 B against 4 B: a granule either way
  CHECK(rates.back() > 0.8 * a100().memory.dram_achieved);
  CHECK(rates.back() < a100().memory.dram_achieved);
}

TEST_CASE("the dense twin reads every row once; beyond as many lookups as rows it wins") {
  const auto times = [](const BagSize& size) {
    const EmbeddingBag op(size);
    const auto seconds = [](const Program& program) {
      double sum = 0;
      for (const Stage& stage : program.stages) sum += play(*stage.launch, a100(), {}).time.seconds();
      return sum;
    };
    return std::pair{seconds(op.lower_dense({a100(), {}, 1})), seconds(op.lower({a100(), {}, 1}))};
  };
  const auto [scan, few] = times(bags(2048, 20, 128));
  CHECK(scan >= 1e6 * 256 / a100().memory.dram_achieved);
  CHECK(scan < 1.3 * 1e6 * 256 / a100().memory.dram_achieved);
  CHECK(few < scan / 5);
  BagSize many = bags(65536, 64, 32);
  many.rows = 100'000;
  const auto [all, gathered] = times(many);
  CHECK(gathered > all);
}

TEST_CASE("declared sparsity is the share of rows that no bag names") {
  // A million rows, 40960 lookups at random: (1 - 1e-6)^40960 of them are never named.
  const EmbeddingBag op(bags(2048, 20, 128));
  const SparsitySummary summary = op.sparsity({a100(), {}, 1});
  CHECK(summary.declared == doctest::Approx(std::exp(-0.04096)).epsilon(1e-6));
  CHECK(summary.aligned_cache == 1);  // a row is two lines
}

TEST_CASE("a measured row gives the bags as a product with a multi-hot matrix") {
  MeasuredOp row;
  row.op = "embedding_bag";
  row.dtype = "fp16";
  row.m = 2048;
  row.n = 64;
  row.k = 1'000'000;
  row.sparsity = 1 - 32e-6;
  const auto op = op_from_row(row);
  const BagSize& size = dynamic_cast<const EmbeddingBag&>(*op).size();
  CHECK(size.bags == 2048);
  CHECK(size.dim == 64);
  CHECK(size.rows == 1'000'000);
  CHECK(size.pooling == 32);
}

TEST_CASE("what a bag cannot be is said by name") {
  MeasuredOp row;
  row.op = "embedding_bag";
  row.dtype = "fp16";
  row.params = {{"rows", "1000"}, {"dim", "64"}, {"bags", "8"}, {"pooling", "4"}, {"indices", "zipf:1.2"}};
  CHECK(op_from_row(row)->pattern() == "gather");
  for (const char* wrong : {"zipf", "zipf:", "zipf:-1", "zipf:1x", "zipf:nan", "gauss"}) {
    row.params["indices"] = wrong;
    CHECK_THROWS_WITH_AS(op_from_row(row), doctest::Contains("indices cannot be"), UnsupportedError);
  }
}

}  // namespace sparsesim
