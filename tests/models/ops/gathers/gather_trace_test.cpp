// Recorded lookups: what a cache serves is counted exactly, and bags of uneven length wait for the longest.

#include "models/ops/gathers/gather_trace.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "models/compute/player.h"
#include "models/ops/gathers/embedding.h"
#include "models/ops/registry.h"
#include "sim/core/random.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

std::string mistake(std::string_view text) {
  config::Diagnostics diagnostics;
  CHECK(read_lookup_trace(text, "trace", 100, diagnostics).lookups == 0);
  if (diagnostics.empty()) return "";
  const config::Mistake& first = diagnostics.mistakes().front();
  return std::to_string(first.position.line) + ":" + std::to_string(first.position.column) + ": " + first.message;
}

BagSize with_lengths(std::vector<std::int64_t> bags) {
  std::int64_t lookups = 0;
  for (const std::int64_t length : bags) lookups += length;
  std::vector<std::int64_t> rows;  // no row twice
  for (std::int64_t row = 0; row < lookups; ++row) rows.push_back(row);
  BagSize size;
  size.rows = 1 << 20;
  size.dim = 128;
  size.bags = static_cast<std::int64_t>(bags.size());
  size.trace = std::make_shared<const LookupTrace>(trace_of(std::move(bags), rows));
  return size;
}

LaunchResult play_traced(const BagSize& size) { return play(lower_bags(size, a100(), {}), a100(), {}); }

}  // namespace

TEST_CASE("reuse counts the different rows since the last lookup of the same one") {
  // 7 8 7 9 8 7: 7 again after {8, 7}, 8 again after {7, 9, 8}, 7 again after {9, 8, 7}.
  const LookupTrace trace = trace_of({6}, {7, 8, 7, 9, 8, 7});
  CHECK(trace.distinct == 3);
  CHECK(trace.reuse == std::vector<std::int64_t>{2, 3, 3});
  CHECK(trace.misses(1) == 6);
  CHECK(trace.misses(2) == 5);
  CHECK(trace.misses(3) == 3);
}

TEST_CASE("misses are those of a least-recently-used cache, for every capacity") {
  RandomStream random(5, "rows");
  std::vector<std::int64_t> rows;
  for (int i = 0; i < 3000; ++i) rows.push_back(static_cast<std::int64_t>(random.power_law(1.2, 1, 200)));
  const LookupTrace trace = trace_of({3000}, rows);
  for (const std::size_t capacity : {1u, 3u, 10u, 40u, 150u, 1000u}) {
    std::vector<std::int64_t> kept;  // oldest first
    std::int64_t misses = 0;
    for (const std::int64_t row : rows) {
      const auto found = std::find(kept.begin(), kept.end(), row);
      misses += found == kept.end();
      if (found != kept.end())
        kept.erase(found);
      else if (kept.size() == capacity)
        kept.erase(kept.begin());
      kept.push_back(row);
    }
    CHECK(trace.misses(static_cast<std::int64_t>(capacity)) == misses);
  }
}

TEST_CASE("a line is a bag, an empty line an empty one") {
  config::Diagnostics diagnostics;
  const LookupTrace trace = read_lookup_trace("1 2,3\n\n4\t4\r\n99", "trace", 100, diagnostics);
  CHECK(diagnostics.empty());
  CHECK(trace.bags == std::vector<std::int64_t>{3, 0, 2, 1});
  CHECK(trace.lookups == 6);
  CHECK(trace.distinct == 5);
}

TEST_CASE("mistakes in a trace have a place") {
  CHECK(mistake("1 2\n3 100\n") == "2:3: row of the table 100 is not within 0..99");
  CHECK(mistake("1 -2\n").starts_with("1:3: "));
  CHECK(mistake("1 x\n").starts_with("1:3: expected a number"));
  CHECK(mistake("") == "1:1: no bag names a row");
  CHECK(mistake("\n\n") == "1:1: no bag names a row");
}

TEST_CASE("rows of a trace come from DRAM once, with their numbers; sums go back") {
  const BagSize size = with_lengths({3, 0, 5, 8});
  CHECK(play_traced(size).counters.dram_bytes == doctest::Approx(16 * 256 + 16 * 8 + 4 * 256));
}

TEST_CASE("a block waits for its longest bag: so few that latency counts, uneven bags take longer") {
  const std::vector<std::int64_t> even(1728, 10);  // a block per unit
  std::vector<std::int64_t> uneven = even;
  for (std::size_t bag = 0; bag < uneven.size(); ++bag) uneven[bag] = bag % 16 == 0 ? 145 : 1;  // 160 to a block, too
  const LaunchResult balanced = play_traced(with_lengths(even)), waiting = play_traced(with_lengths(uneven));
  CHECK(waiting.counters.dram_bytes == doctest::Approx(balanced.counters.dram_bytes).epsilon(1e-3));
  // 145 rows, 4 on their way at a time, against 10: 34 more trips to DRAM, some of them behind the ones before.
  const double trips = (145.0 - 10.0) / 4;
  CHECK(waiting.time.seconds() - balanced.time.seconds() > 0.6 * trips * a100().memory.dram_latency);
}

TEST_CASE("an op takes its bags from a trace file") {
  const auto path = std::filesystem::temp_directory_path() / "sparsesim_lookups_test.txt";
  std::ofstream(path) << "1 2 3\n4 5\n";
  MeasuredOp row;
  row.op = "embedding_bag";
  row.dtype = "fp16";
  row.params = {{"rows", "10"}, {"dim", "64"}, {"trace", path.string()}};
  const auto op = op_from_row(row);
  CHECK(op->sparsity({a100(), {}, 1}).declared == doctest::Approx(0.5));
  row.params["bags"] = "2";
  CHECK_THROWS_WITH_AS(op_from_row(row), "embedding_bag: the trace says the bags", UnsupportedError);
  row.params.erase("bags");
  row.params["rows"] = "5";
  CHECK_THROWS_WITH_AS(op_from_row(row), doctest::Contains("row of the table 5 is not within 0..4"), UnsupportedError);
  std::filesystem::remove(path);
  CHECK_THROWS_AS(op_from_row(row), UnsupportedError);
}

}  // namespace sparsesim
