// Laws of inverted lists: what is scanned is what is probed, lists shared by queries come from DRAM once.

#include "models/ops/gathers/retrieval.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string>

#include "models/compute/player.h"
#include "models/ops/gathers/retrieval_lists.h"
#include "models/ops/registry.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

IvfSize million(std::int64_t queries, std::int64_t probes) {
  IvfSize size;
  size.queries = queries;
  size.vectors = 1 << 20;
  size.dim = 64;
  size.lists = 1024;
  size.probes = probes;
  return size;
}

LaunchResult play_scan(const IvfSize& size) {
  return play(lower_list_scan(size, draw_probes(size, 1), a100()), a100(), {});
}

double seconds(const Program& program) {
  double sum = 0;
  for (const Stage& stage : program.stages) sum += play(*stage.launch, a100(), {}).time.seconds();
  return sum;
}

}  // namespace

TEST_CASE("lists hold all vectors, the largest first") {
  for (const double skew : {0.0, 0.5, 1.0, 3.0}) {
    const auto sizes = list_sizes(100'003, 777, skew);
    CHECK(std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}) == 100'003);
    CHECK(*std::min_element(sizes.begin(), sizes.end()) >= 0);
    if (skew > 0) CHECK(sizes.front() > 2 * sizes.back());
  }
  CHECK(list_sizes(1024, 16, 0) == std::vector<std::int64_t>(16, 64));
}

TEST_CASE("a query probes different lists, all of them if it may, and large ones more often") {
  const auto sizes = list_sizes(100'000, 64, 1);
  const auto chosen = sample_probes(sizes, 500, 8, 3);
  REQUIRE(chosen.size() == 500 * 8);
  std::vector<int> times(64);
  for (std::size_t query = 0; query < 500; ++query) {
    std::set<std::uint32_t> lists(chosen.begin() + 8 * static_cast<std::ptrdiff_t>(query),
                                  chosen.begin() + 8 * static_cast<std::ptrdiff_t>(query + 1));
    CHECK(lists.size() == 8);
    for (const std::uint32_t list : lists) ++times.at(list);
  }
  CHECK(times.front() > 3 * times.back());
  CHECK(sample_probes(sizes, 500, 8, 3) == chosen);
  CHECK(sample_probes(sizes, 500, 8, 4) != chosen);
  auto all = sample_probes(sizes, 1, 64, 3);
  std::sort(all.begin(), all.end());
  for (std::uint32_t list = 0; list < 64; ++list) CHECK(all.at(list) == list);
}

TEST_CASE("one query reads the lists that it probes, once, and writes the best of each") {
  const IvfSize size = million(1, 16);
  // 16 lists of 1024 vectors of 64 x 2 B; 10 kept of each, 12 B.
  CHECK(play_scan(size).counters.dram_bytes == doctest::Approx(16.0 * 1024 * 128 + 16 * 10 * 12));
}

TEST_CASE("lists that all queries probe come from DRAM once while L2 holds them, and from L2 every time") {
  IvfSize size = million(8, 64);
  size.vectors = 1 << 16;
  size.lists = 64;  // 8 MB in all, every query looks through all of it
  const LaunchResult result = play_scan(size);
  const double all = 65536.0 * 128;
  CHECK(result.counters.dram_bytes == doctest::Approx(all + 8 * 64 * 10 * 12));
  CHECK(result.counters.l2_bytes == doctest::Approx(8 * all + 8 * 64 * 10 * 12));
}

TEST_CASE("declared sparsity is the share of vectors not looked at") {
  CHECK(IvfScan(million(4, 16)).sparsity({a100(), {}, 1}).declared == doctest::Approx(1 - 16.0 / 1024));
  IvfSize skewed = million(64, 16);
  skewed.list_skew = 0.8;  // large lists are probed more often
  CHECK(IvfScan(skewed).sparsity({a100(), {}, 1}).declared < 1 - 16.0 / 1024);
}

TEST_CASE("more probes take longer, and never less than their bytes or their arithmetic") {
  double before = 0;
  for (const std::int64_t probes : {1, 8, 64, 256}) {
    const LaunchResult result = play_scan(million(16, probes));
    CHECK(result.time.seconds() > before);
    CHECK(result.time.seconds() >= result.counters.dram_bytes / a100().memory.dram_achieved);
    const Compute& compute = a100().compute;
    const double flops = 2 * 16.0 * static_cast<double>(probes) * 1024 * 64;
    CHECK(result.time.seconds() >= flops / (compute.pipes.vector * compute.clock * compute.units));
    before = result.time.seconds();
  }
}

TEST_CASE("few probes beat the scan of every vector, all of them do not") {
  const auto times = [](const IvfSize& size) {
    const IvfScan op(size);
    return std::pair{seconds(op.lower_dense({a100(), {}, 1})), seconds(op.lower({a100(), {}, 1}))};
  };
  const auto [dense, sparse] = times(million(32, 8));
  CHECK(sparse < dense / 2);
  const auto [every, all] = times(million(32, 1024));
  CHECK(all > every);
}

TEST_CASE("to know the lists beforehand saves the distances to all centres and the choice among them") {
  const IvfScan op(million(32, 8));
  const Program real = op.lower({a100(), {}, 1}), told = op.lower({a100(), Ideal{.metadata = true}, 1});
  CHECK(real.stages.size() == told.stages.size() + 2);
  CHECK(seconds(told) < seconds(real));
}

TEST_CASE("skewed lists leave a tail: the same bytes take longer than balanced ones") {
  IvfSize skewed = million(8, 64);
  skewed.list_skew = 1;
  const LaunchResult result = play_scan(skewed), balanced = play_scan(million(8, 64));
  const double rate = result.counters.l2_bytes / result.time.seconds();
  CHECK(rate < balanced.counters.l2_bytes / balanced.time.seconds());
}

TEST_CASE("what a scan cannot be is said by name") {
  MeasuredOp row;
  row.op = "ivf_scan";
  row.dtype = "fp16";
  row.params = {{"queries", "4"}, {"vectors", "1000"}, {"dim", "64"}, {"lists", "10"}, {"probes", "11"}};
  CHECK_THROWS_WITH_AS(op_from_row(row), "ivf_scan: 11 probes among 10 lists", UnsupportedError);
  row.params["lists"] = "2000";
  CHECK_THROWS_WITH_AS(op_from_row(row), "ivf_scan: 2000 lists for 1000 vectors", UnsupportedError);
  row.params["lists"] = "20";
  CHECK(op_from_row(row)->pattern() == "inverted_lists");
}

}  // namespace sparsesim
