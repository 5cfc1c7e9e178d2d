// Sparse times sparse: the laws of the three engines' bytes and times, on machines whose numbers are in their files.
#include "models/ops/products/spgemm.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "models/compute/player.h"
#include "models/ops/products/spgemm_dataflows.h"
#include "sim/core/random.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

constexpr double kEntry = 12, kPointer = 4;  // bytes of a number of 64 bits and its column; of a row

SpgemmSize product_of(Mask a, Mask b) {
  SpgemmSize size;
  size.m = a.rows;
  size.k = a.columns;
  size.n = b.columns;
  size.a_mask = std::make_shared<const Mask>(std::move(a));
  size.b_mask = std::make_shared<const Mask>(std::move(b));
  return size;
}

Mask uniform(std::int64_t rows, std::int64_t columns, std::int64_t stored, std::uint64_t seed) {
  return draw_mask({}, rows, columns, stored, seed);
}

struct Played {
  double seconds = 0, bytes = 0, bound = 0, macs = 0, issued = 0;
};
Played played(const SpgemmSize& size, const std::string& name, const Ideal& ideal = {}) {
  const Substrate& substrate = machine(name);
  Played sum;
  for (const Stage& stage : Spgemm(size).lower({substrate, ideal, 1}).stages) {
    const LaunchResult result = play(*stage.launch, substrate, ideal);
    sum.seconds += result.time.seconds();
    sum.bytes += result.counters.dram_bytes;
    sum.bound += result.bound_seconds();
    sum.macs += result.counters.useful_macs;
    sum.issued += result.counters.issued_macs;
  }
  return sum;
}

double stored_bytes(const Mask& mask) {
  return static_cast<double>(mask.stored()) * kEntry + static_cast<double>(mask.rows) * kPointer;
}
double result_bytes(const SpgemmSize& size) {
  return count_product(*size.a_mask, *size.b_mask).results * kEntry + static_cast<double>(size.m) * kPointer;
}

/// Of `mask`, every second place.
Mask half_of(const Mask& mask) {
  std::vector<Place> places;
  for (std::int64_t row = 0; row < mask.rows; ++row)
    for (std::size_t i = 0; i < mask.row(row).size(); i += 2)
      places.push_back({static_cast<std::int32_t>(row), mask.row(row)[i]});
  return mask_of_places(mask.rows, mask.columns, places);
}

}  // namespace

TEST_CASE("OuterSPACE moves A, B, all partial products twice and C, to the byte where lines cost nothing") {
  const SpgemmSize size = product_of(uniform(700, 500, 9000, 1), uniform(500, 600, 8000, 2));
  const double products = partial_products(*size.a_mask, *size.b_mask);
  const double lists = static_cast<double>(size.a_mask->stored());
  // Columns of A, not its rows, say where they begin.
  const double a = lists * kEntry + static_cast<double>(size.k) * kPointer;
  const double exact = a + stored_bytes(*size.b_mask) + 2 * (products * kEntry + lists * 4) + result_bytes(size);
  CHECK(played(size, "outerspace", {.overfetch = true}).bytes == doctest::Approx(exact).epsilon(1e-9));
  CHECK(played(size, "outerspace").bytes > exact);  // short lists do not fill the lines they lie on
}

TEST_CASE("OuterSPACE merges more lists than it holds in rounds, which move what they merge once more") {
  const SpgemmSize few = product_of(uniform(64, 64, 64 * 64, 1), uniform(64, 512, 5000, 2));
  const SpgemmSize many = product_of(uniform(64, 65, 64 * 65, 1), uniform(65, 512, 5000, 2));
  const auto beyond = [](const SpgemmSize& size) {
    const double products = partial_products(*size.a_mask, *size.b_mask);
    const double once = static_cast<double>(size.a_mask->stored()) * (kEntry + 8) +
                        static_cast<double>(size.k) * kPointer + stored_bytes(*size.b_mask) + 2 * products * kEntry +
                        result_bytes(size);
    return played(size, "outerspace", {.overfetch = true}).bytes - once;
  };
  CHECK(beyond(few) == doctest::Approx(0).epsilon(1e-6));
  const MergeTree tree = merge_tree(*many.a_mask, *many.b_mask, 64);
  double groups = 0;
  for (const std::int32_t results : tree.results) groups += results;
  CHECK(beyond(many) == doctest::Approx(2 * kEntry * groups));
}

TEST_CASE("Gamma's traffic is the least there is while B fits its cache, and grows beyond") {
  const double capacity = machine("gamma").memory.l2_bytes;
  const auto over_least = [](std::int64_t side, std::int64_t stored) {
    const SpgemmSize size = product_of(uniform(side, side, stored, 1), uniform(side, side, stored, 2));
    const double least = stored_bytes(*size.a_mask) + stored_bytes(*size.b_mask) + result_bytes(size);
    return played(size, "gamma").bytes / least;
  };
  const auto fits = static_cast<std::int64_t>(0.8 * capacity / kEntry),
             twice = static_cast<std::int64_t>(2 * capacity / kEntry);
  CHECK(over_least(60000, fits) == doctest::Approx(1).epsilon(0.02));
  CHECK(over_least(60000, twice) > 1.2);
}

TEST_CASE("Gamma's cache is counted on its lines: one line of room finds nothing, room for B brings each line once") {
  const Mask a = uniform(300, 200, 3000, 1), b = uniform(200, 400, 2000, 2);
  const MergeTree tree = merge_tree(a, b, 64);
  const auto lines = [&](double capacity) {
    std::pair<double, double> all;
    for (const RowFetches& row : count_fetches(a, b, tree, {kEntry, 64, capacity, 64})) {
      all.first += row.missed;
      all.second += row.found;
    }
    return all;
  };
  const auto [none_missed, none_found] = lines(0);
  CHECK(none_found == 0);
  CHECK(none_missed >= partial_products(a, b) * kEntry / 64);
  const auto [missed, found] = lines(1 << 20);
  CHECK(missed == doctest::Approx(2000 * kEntry / 64).epsilon(0.02));
  CHECK(missed + found == none_missed);
  double before = none_missed;
  for (const double capacity : {2e3, 8e3, 16e3, 32e3}) {
    CHECK(lines(capacity).first <= before);
    before = lines(capacity).first;
  }
}

TEST_CASE("results that wait for the next merger are pushed out of a small cache, written and read again") {
  const Mask a = uniform(4, 256, 4 * 256, 1), b = uniform(256, 4096, 60000, 2);
  const MergeTree tree = merge_tree(a, b, 16);
  const auto spilled = [&](double capacity) {
    double sum = 0;
    for (const RowFetches& row : count_fetches(a, b, tree, {kEntry, 64, capacity, 16})) sum += row.spilled;
    return sum;
  };
  CHECK(spilled(64 << 20) == 0);
  CHECK(spilled(64 << 10) > 0);
}

TEST_CASE("a line cache finds what was read last, forgets the oldest, and writes out only what was made in it") {
  LineCache cache(10, 2);
  CHECK_FALSE(cache.read(1));
  CHECK_FALSE(cache.read(2));
  CHECK(cache.read(1));
  CHECK_FALSE(cache.read(3));  // pushes 2 out
  CHECK(cache.read(1));
  CHECK_FALSE(cache.read(2));
  CHECK(cache.spilled() == 0);
  cache.produce(8);
  cache.produce(9);
  CHECK(cache.consume(8));
  CHECK_FALSE(cache.consume(8));
  CHECK_FALSE(cache.read(4));
  CHECK_FALSE(cache.read(5));  // pushes 9 out
  CHECK(cache.spilled() == 1);
  CHECK_FALSE(cache.consume(9));
}

TEST_CASE("steps of a skipping intersection: the closed form and lists in random order") {
  RandomStream random(3);
  const auto drawn = [&](int count) {
    const Mask row = draw_mask({}, 1, 100000, count, random.bits());
    return row.indices;
  };
  const auto steps_of = [](const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
    double steps = 0;
    for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end(); ++steps) {
      const auto x = *i, y = *j;
      if (x <= y) i = x == y ? i + 1 : std::lower_bound(i, a.end(), y);
      if (y <= x) j = x == y ? j + 1 : std::lower_bound(j, b.end(), x);
    }
    return steps;
  };
  for (const auto& [a, b] : {std::pair{1, 1}, {2, 2}, {4, 4}, {3, 12}, {20, 20}, {50, 5}}) {
    double steps = 0;
    for (int time = 0; time < 400; ++time) steps += steps_of(drawn(a), drawn(b));
    CAPTURE(a);
    CAPTURE(b);
    CHECK(expected_skips(a, b) == doctest::Approx(steps / 400).epsilon(0.12));
  }
  CHECK(expected_skips(0, 5) == 0);
}

TEST_CASE("ExTensor reads A once per slab of columns, B once, and brings unfinished results back per slab of depth") {
  const auto bytes = [](std::int64_t m, std::int64_t n, std::int64_t k) {
    SpgemmSize size = product_of(uniform(m, k, 20000, 1), uniform(k, n, 20000, 2));
    size.kernel = "intersection_32x64x128";
    const double numbers = played(size, "extensor", {.metadata = true}).bytes / 8;  // values alone
    return std::pair(numbers, count_product(*size.a_mask, *size.b_mask).results);
  };
  const auto [whole, results] = bytes(2000, 3000, 4000);
  CHECK(whole == doctest::Approx(20000 + 20000 + results));
  const auto [wide, wide_results] = bytes(2000, 3 * 16384, 4000);
  CHECK(wide == doctest::Approx(3 * 20000 + 20000 + wide_results));
  // Half of the results are there, more or less, when the second slab of depth brings and puts them away again.
  const auto [deep, deep_results] = bytes(2000, 3000, 2 * 8192);
  CHECK((deep - 40000 - deep_results) / (2 * deep_results) == doctest::Approx(0.5).epsilon(0.05));
}

TEST_CASE("a library that counts results before it sums them does its work twice, and writes once") {
  const SpgemmSize size = product_of(uniform(800, 800, 40000, 1), uniform(800, 800, 40000, 2));
  const SpgemmOperands operands(size, 1);
  const auto total = [&](double passes) {
    Kernel kernel;
    kernel.constants["passes"].value = passes;
    const Program program = lower_spgemm_rows(size, operands, kernel, {machine("a100"), {}, 1});
    SpgemmPiece sum;
    for (const TaskShape& shape : program.stages[0].launch->shapes) {
      sum.cycles += shape.steps * shape.cycles_per_step[static_cast<int>(Pipe::vector)];
      sum.read += shape.steps * shape.streams[0].bytes_per_step;
      sum.store += shape.store_bytes;
    }
    return sum;
  };
  const SpgemmPiece once = total(1), twice = total(2);
  CHECK(twice.cycles == doctest::Approx(2 * once.cycles));
  CHECK(twice.read == doctest::Approx(2 * once.read));
  CHECK(twice.store == doctest::Approx(once.store));
}

TEST_CASE("a kernel's constants are checked by name and by sense") {
  Kernel kernel;
  kernel.name = "k";
  kernel.constants["radixx"].value = 4;
  CHECK_THROWS_WITH_AS(spgemm_constants(kernel),
                       "kernel k: sparse products know no constant radixx (docs/models/spgemm.md)", UnsupportedError);
  kernel.constants = {};
  for (const auto& [name, value] :
       {std::pair{"radix", 1.0}, {"tile", 0.0}, {"merging_share", 0.0}, {"lists_most", 1.0}}) {
    kernel.constants.clear();
    kernel.constants[name].value = value;
    CHECK_THROWS_AS(spgemm_constants(kernel), UnsupportedError);
  }
}

TEST_CASE("no engine is faster than its multipliers and its memory, and multiplies each pair once") {
  const SpgemmSize size = product_of(uniform(1500, 1500, 30000, 1), uniform(1500, 1500, 30000, 2));
  const double products = partial_products(*size.a_mask, *size.b_mask);
  for (const char* name : {"gamma", "outerspace", "extensor"}) {
    CAPTURE(name);
    const Substrate& substrate = machine(name);
    const Played result = played(size, name);
    CHECK(result.macs == doctest::Approx(products));
    CHECK(result.issued == doctest::Approx(products));
    CHECK(result.seconds >= result.bound * 0.999999);
    CHECK(result.seconds >= products / substrate.compute.units / substrate.compute.clock);
    CHECK(result.seconds >= result.bytes / substrate.memory.dram_peak * 0.999999);
  }
}

TEST_CASE("with every second number gone, no engine is slower or moves more") {
  const Mask a = uniform(2000, 2000, 60000, 1), b = uniform(2000, 2000, 60000, 2);
  const SpgemmSize all = product_of(a, b), half = product_of(half_of(a), half_of(b));
  for (const char* name : {"gamma", "outerspace", "extensor", "a100", "genoa"}) {
    CAPTURE(name);
    CHECK(played(half, name).seconds <= played(all, name).seconds);
    CHECK(played(half, name).bytes <= played(all, name).bytes);
  }
}

TEST_CASE("without a zero an engine multiplies as its dense twin does, and B is read once where it fits") {
  const SpgemmSize size = product_of(uniform(96, 96, 96 * 96, 1), uniform(96, 96, 96 * 96, 1));
  const Spgemm op(size);
  for (const char* name : {"gamma", "extensor"}) {
    const LowerContext context{machine(name), {}, 1};
    CHECK(op.sparsity(context).declared == doctest::Approx(0));
    CHECK(played(size, name).macs == 96.0 * 96 * 96);
  }
  CHECK(played(size, "gamma", {.metadata = true}).bytes == doctest::Approx(8 * 3 * 96 * 96).epsilon(0.01));
}

TEST_CASE("a machine without a kernel says so; partial products beyond the limit are refused before they are counted") {
  SpgemmSize size;
  size.m = size.n = size.k = 64;
  CHECK_THROWS_AS(Spgemm(size).lower({machine("tpu-v4"), {}, 1}), UnsupportedError);
  size.m = size.n = size.k = 2048;  // without a zero: 2^33
  CHECK_THROWS_WITH_AS(Spgemm(size).lower({machine("gamma"), {}, 1}),
                       "too large: 8.59e+09 partial products of a sparse product, at most 2.684e+08 can be simulated",
                       std::runtime_error);
}

TEST_CASE("the dense twin in slabs of rows does the work of the whole") {
  SpgemmSize size;
  size.m = 30000;
  size.n = 40000;
  size.k = 100;
  size.a_sparsity = size.b_sparsity = 0.999;
  double macs = 0;
  const Substrate& substrate = machine("gamma");
  for (const Stage& stage : Spgemm(size).lower_dense({substrate, {}, 1}).stages)
    for (const Task& task : stage.launch->tasks) macs += stage.launch->shapes[task.shape].useful_macs;
  CHECK(macs == doctest::Approx(30000.0 * 40000 * 100));
}

}  // namespace sparsesim
