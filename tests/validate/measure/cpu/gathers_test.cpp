// Embedding bags of processors: right sums on odd sizes, by number and by scan, under every instruction set there is.

#include "validate/measure/cpu/gathers.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace sparsesim::measure {
namespace {

/// The kernels that this processor can run.
std::vector<GatherKernels> gather_kernels_here() {
  const CpuContext context = make_cpu_context(1);
  std::vector<GatherKernels> kernels = {gather_kernels_generic};
#if defined(__x86_64__)
  if (context.avx2) kernels.push_back(gather_kernels_avx2);
  if (context.avx512) kernels.push_back(gather_kernels_avx512);
#endif
  return kernels;
}

BagSizes bag_sizes(std::int64_t dim, std::int64_t pooling, bool weighted) {
  BagSizes sizes;
  sizes.tables = 2;
  sizes.rows = 97;
  sizes.dim = dim;
  sizes.bags = 37;
  sizes.pooling = pooling;
  sizes.weighted = weighted;
  return sizes;
}

Buffer<float> tables_of(const BagSizes& sizes) {
  Buffer<float> tables(static_cast<std::size_t>(sizes.elements()));
  RandomStream stream(5);
  for (float& element : tables) element = static_cast<float>(stream.uniform(-1, 1));
  return tables;
}

BagLists lists_of(const BagSizes& sizes) {
  RandomStream stream(9);
  return draw_bags(sizes, RankDraw(sizes.rows, sizes.exponent), stream);
}

void forget(const BagLists& lists) {
  std::fill(lists.sums.begin(), lists.sums.end(), std::numeric_limits<float>::quiet_NaN());
}

PlanRow small_row() {
  PlanRow row;
  row.op = "embedding_bag";
  row.dtype = "fp32";
  row.params = {{"rows", "300"}, {"dim", "20"}, {"bags", "12"}, {"pooling", "7"}, {"indices", "zipf:1.05"}};
  return row;
}

}  // namespace

TEST_CASE("sums by number and by scan agree with double precision whatever the row's length") {
  for (const bool weighted : {false, true})
    for (const std::int64_t dim : {1, 3, 8, 17, 64, 100, 128, 131, 200})
      for (const std::int64_t pooling : {1, 2, 33}) {
        const BagSizes sizes = bag_sizes(dim, pooling, weighted);
        CAPTURE(dim);
        CAPTURE(pooling);
        CAPTURE(weighted);
        const Buffer<float> tables = tables_of(sizes);
        const BagLists lists = lists_of(sizes);
        for (const GatherKernels& kernel : gather_kernels_here()) {
          CAPTURE(std::string(kernel.instructions));
          forget(lists);
          for (const int threads : {1, 2}) {
            gather_sums(sizes, kernel, tables.data(), lists, threads);
            CHECK(bag_error(sizes, tables.data(), lists, 1) < 0.5);
            forget(lists);
          }
          for (const std::size_t others : {0, 2}) {  // threads beside the first
            forget(lists);
            std::vector<Buffer<float>> parts(others, Buffer<float>(lists.sums.size()));
            scan_sums(sizes, kernel, tables.data(), lists, parts);
            CHECK(bag_error(sizes, tables.data(), lists, 1) < 0.5);
          }
        }
      }
}

TEST_CASE("a scan reads rows that no bag names: named and unnamed elements add to the tables' sum") {
  BagSizes sizes = bag_sizes(19, 1, false);
  sizes.bags = 20;
  const Buffer<float> tables = tables_of(sizes);
  const BagLists lists = lists_of(sizes);
  for (const GatherKernels& kernel : gather_kernels_here()) {
    std::vector<Buffer<float>> none;
    const double unnamed = static_cast<double>(scan_sums(sizes, kernel, tables.data(), lists, none));
    double all = 0, named = 0;
    for (const float element : tables) all += static_cast<double>(element);
    for (std::size_t table = 0; table < lists.by_row.size(); ++table)
      for (std::size_t i = 0; i + 1 < lists.by_row[table].size(); ++i) {
        const std::int64_t row = lists.by_row[table][i].row;
        if (row == lists.by_row[table][i + 1].row) continue;
        for (std::int64_t c = 0; c < sizes.dim; ++c)
          named += static_cast<double>(
              tables[(table * static_cast<std::size_t>(sizes.rows) + static_cast<std::size_t>(row)) *
                         static_cast<std::size_t>(sizes.dim) +
                     static_cast<std::size_t>(c)]);
      }
    CHECK(unnamed == doctest::Approx(all - named).epsilon(1e-4));
  }
}

TEST_CASE("ranks are drawn with probability rank^-a") {
  const std::int64_t rows = 50, draws = 200000;
  for (const double exponent : {0.0, 0.8, 1.2}) {
    const RankDraw ranks(rows, exponent);
    RandomStream stream(3);
    std::vector<double> seen(static_cast<std::size_t>(rows));
    for (std::int64_t i = 0; i < draws; ++i) ++seen[static_cast<std::size_t>(ranks(stream))];
    double total = 0;
    for (std::int64_t rank = 1; rank <= rows; ++rank) total += std::pow(static_cast<double>(rank), -exponent);
    for (std::int64_t rank = 1; rank <= rows; ++rank) {
      const double share = std::pow(static_cast<double>(rank), -exponent) / total;
      const double deviation = std::sqrt(share * (1 - share) / static_cast<double>(draws));
      CHECK(std::abs(seen[static_cast<std::size_t>(rank - 1)] / static_cast<double>(draws) - share) < 5 * deviation);
    }
  }
}

TEST_CASE("every list has popular rows of its own") {
  BagSizes sizes = bag_sizes(4, 50, false);
  sizes.rows = 100003;
  sizes.exponent = 2;  // the most popular row takes 61 % of the lookups
  RandomStream stream(9);
  const RankDraw ranks(sizes.rows, sizes.exponent);
  const auto popular = [](const BagLists& lists) {
    std::vector<std::int64_t> rows(lists.rows.begin(), lists.rows.end());
    std::nth_element(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(rows.size() / 4), rows.end());
    return rows[rows.size() / 4];
  };
  CHECK(popular(draw_bags(sizes, ranks, stream)) != popular(draw_bags(sizes, ranks, stream)));
}

TEST_CASE("one wrong sum is seen") {
  const BagSizes sizes = bag_sizes(16, 20, false);
  const Buffer<float> tables = tables_of(sizes);
  const BagLists lists = lists_of(sizes);
  gather_sums(sizes, gather_kernels_generic, tables.data(), lists, 1);
  lists.sums[100] += 1e-3f;
  CHECK(bag_error(sizes, tables.data(), lists, 1) > 1);
}

TEST_CASE("runners of embedding bags are checked and timed; what has no kernel is refused by name") {
  const ProblemFamily family = embedding_bag_family();
  CpuContext context = make_cpu_context(1);
  context.last_cache_bytes = 1 << 16;
  const PlanRow row = small_row();
  family.check(row, context);
  const auto problem = family.make(row, context, 11);
  auto runners = problem->runners(row);
  REQUIRE(runners.size() == 1);
  CHECK(runners.front()->kernel() == "tuned:gather");
  for (auto& baseline : problem->baselines()) runners.push_back(std::move(baseline));
  CHECK(runners.size() >= 2);  // the scan, and the product by each library
  for (const auto& runner : runners) {
    CAPTURE(runner->kernel());
    CHECK(runner->error() < 1);
    CHECK(runner->run(3) > 0);
    CHECK(runner->error() < 1);
  }
  for (const auto& [key, value] : {std::pair{"indices", "zipf"}, {"index_bytes", "4"}, {"rows", "0"}, {"dim", "-3"}}) {
    PlanRow wrong = row;
    wrong.params[key] = value;
    CHECK_THROWS_AS(family.check(wrong, context), NotHere);
  }
}

TEST_CASE("a product's sizes and sparsity say bags, dim, rows and pooling") {
  PlanRow product;
  product.op = "embedding_bag";
  product.dtype = "fp32";
  product.m = 12;
  product.n = 20;
  product.k = 300;
  product.sparsity = 1 - 7.0 / 300;
  product.params = {{"indices", "zipf:1.05"}};
  CHECK(embedding_bag_family().key(product) == embedding_bag_family().key(small_row()));
}

}  // namespace sparsesim::measure
