// Products on processors: every kernel gives the product, on every instruction set there is, and a wrong one is seen.

#include "validate/measure/cpu/products.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "validate/measure/cpu/products_operands.h"

namespace sparsesim::measure {
namespace {

/// This processor, with a last cache so small that few copies are made, and as if it were of each lesser kind.
std::vector<CpuContext> contexts() {
  CpuContext whole = make_cpu_context(1);
  whole.last_cache_bytes = 1 << 14;
  CpuContext plain = whole;
  plain.avx2 = plain.avx512 = plain.avx512_bf16 = plain.amx_bf16 = plain.amx_int8 = false;
  std::vector<CpuContext> all = {plain};
  if (whole.avx2) {
    CpuContext avx2 = plain;
    avx2.avx2 = true;
    all.push_back(avx2);
  }
  if (whole.avx512) all.push_back(whole);
  return all;
}

PlanRow product_row(const std::string& op, std::int64_t m, std::int64_t n, std::int64_t k) {
  PlanRow row;
  row.id = "row";
  row.op = op;
  row.m = m;
  row.n = n;
  row.k = k;
  row.dtype = "fp32";
  return row;
}

PlanRow sparse_row(std::int64_t m, std::int64_t n, std::int64_t k, const std::string& pattern, double sparsity,
                   const std::string& block = "") {
  PlanRow row = product_row("spmm", m, n, k);
  row.pattern = pattern;
  row.sparsity = sparsity;
  if (!block.empty()) row.params["block"] = block;
  return row;
}

/// Names of the kernels that ran; each one's error must be within its tolerance, before and after some calls.
std::vector<std::string> check(const PlanRow& row, const CpuContext& context) {
  const ProblemFamily family = row.op == "gemm" ? gemm_family() : spmm_family();
  family.check(row, context);
  const auto problem = family.make(row, context, 5);
  std::vector<std::string> names;
  for (const auto& runner : problem->runners(row)) {
    names.push_back(runner->kernel());
    CAPTURE(runner->kernel());
    CHECK(runner->run(3) > 0);
    CHECK(runner->error() <= 1);
  }
  return names;
}

const std::vector<std::int64_t> kColumns = {1, 2, 5, 8, 16, 23, 31, 64, 65, 150};

TEST_CASE("Unstructured weights: ours and Eigen's give the product for any number of columns and sparsity") {
  for (const CpuContext& context : contexts())
    for (const std::int64_t m : kColumns)
      for (const double sparsity : {0.0, 0.5, 0.9, 0.999}) {
        CAPTURE(context.avx2);
        CAPTURE(m);
        CAPTURE(sparsity);
        const auto names = check(sparse_row(m, 67, 131, "unstructured", sparsity), context);
        CHECK(names == std::vector<std::string>{"tuned:csr", "library:eigen_csr"});
      }
}

TEST_CASE("Blocks of any shape give the product, those that stand over the edge of the matrix too") {
  for (const CpuContext& context : contexts())
    for (const std::int64_t m : kColumns)
      for (const char* block : {"4x4", "16x16", "64x64", "1x16", "2x8", "3x5", "6x3", "7x1", "24x20", "8x1024"}) {
        CAPTURE(context.avx2);
        CAPTURE(m);
        CAPTURE(block);
        CHECK(check(sparse_row(m, 150, 131, "block", 0.6, block), context) == std::vector<std::string>{"tuned:bsr"});
      }
}

TEST_CASE("Vectors of any height give the product") {
  for (const CpuContext& context : contexts())
    for (const std::int64_t m : kColumns)
      for (const char* block : {"1x1", "2x1", "4x1", "8x1", "16x1", "32x1", "5x1"}) {
        CAPTURE(context.avx2);
        CAPTURE(m);
        CAPTURE(block);
        const auto names = check(sparse_row(m, 67, 131, "vector", 0.8, block), context);
        CHECK(names == std::vector<std::string>{"tuned:vector"});
      }
}

TEST_CASE("2:4 weights give the product for any k in fours") {
  for (const CpuContext& context : contexts())
    for (const std::int64_t m : kColumns)
      for (const std::int64_t k : {4, 8, 36, 132, 256}) {
        CAPTURE(context.avx2);
        CAPTURE(m);
        CAPTURE(k);
        CHECK(check(sparse_row(m, 33, k, "2:4", 0.5), context) == std::vector<std::string>{"tuned:expand"});
      }
}

TEST_CASE("bf16 blocks give the product where the processor has matrix tiles, and are refused where not") {
  const CpuContext context = contexts().back();
  for (const char* block : {"16x16", "16x32", "32x16", "32x32", "64x64", "96x64"})
    for (const std::int64_t m : {16, 48, 64, 112}) {
      CAPTURE(block);
      CAPTURE(m);
      PlanRow row = sparse_row(m, 192, 128, "block", 0.5, block);
      row.dtype = "bf16";
      if (context.amx_bf16) {
        CHECK(check(row, context) == std::vector<std::string>{"tuned:bsr"});
      } else {
        CHECK_THROWS_AS(spmm_family().check(row, context), NotHere);
      }
    }
}

TEST_CASE("Two threads give the same product: each result is written by one of them") {
  for (CpuContext context : contexts())
    for (const std::int64_t m : {1, 100}) {
      context.threads = 2;
      check(sparse_row(m, 300, 131, "unstructured", 0.8), context);
      check(sparse_row(m, 300, 131, "block", 0.8, "16x16"), context);
      check(sparse_row(m, 300, 132, "2:4", 0.5), context);
    }
}

TEST_CASE("Dense products by every library of this build") {
  const CpuContext context = contexts().back();
  for (const std::int64_t m : {1, 7, 64}) {
    CAPTURE(m);
    CHECK(check(product_row("gemm", m, 67, 131), context).size() == dense_libraries().size());
  }
}

TEST_CASE("A fixed operand serves products of other sizes") {
  const CpuContext context = contexts().back();
  constexpr std::int64_t k = 40, n = 24;
  for (const std::string& library : dense_libraries()) {
    CAPTURE(library);
    DenseShape shape;
    shape.m = 16, shape.n = n, shape.k = k, shape.fixed = Fixed::right;
    const auto first = make_dense(library, shape, context);
    Buffer<float> weights(k * n), prepared(first->prepared_bytes() / sizeof(float)), x(3 * k), y(3 * n);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 7);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 5);
    first->prepare(weights.data(), prepared.data());
    first->resized(3)->run(x.data(), prepared.data(), y.data());
    for (std::size_t row = 0; row < 3; ++row)
      for (std::size_t column = 0; column < n; ++column) {
        float sum = 0;  // of small whole numbers: exact
        for (std::size_t i = 0; i < k; ++i) sum += x[row * k + i] * weights[i * n + column];
        CHECK(y[row * n + column] == sum);
      }
  }
}

TEST_CASE("One wrong result in all is seen; an exact one has no error") {
  const ProductSizes sizes{3, 20, 64, DenseType::fp32};
  const WeightRows weights = dense_rows(sizes, 1);
  const ElementAt x = [](std::int64_t k, std::int64_t m) { return static_cast<double>(k % 3 - m); };
  const auto exact = [&](std::int64_t n, std::int64_t m) {
    double sum = 0;
    for (const auto& [k, value] : weights(n)) sum += value * x(k, m);
    return sum;
  };
  CHECK(product_error(sizes, weights, x, exact, 9) == 0);
  const auto with = [&](double wrong) {
    return product_error(
        sizes, weights, x,
        [&](std::int64_t n, std::int64_t m) { return n == 11 && m == 2 ? exact(n, m) + wrong : exact(n, m); }, 9);
  };
  CHECK(with(0.01) > 1);
  CHECK(with(std::nan("")) > 1);
}

TEST_CASE("Patterns have exactly the blocks that the sparsity leaves, the last row's as likely as the first's") {
  std::int64_t upper = 0, all = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const BlockPlaces places = draw_blocks(64, 90, 4, 8, 0.7, seed);  // 16 x 12 blocks, the last column cut
    CHECK(places.column.size() == 58);                                // round(0.3 * 192)
    REQUIRE(places.start.size() == 17);
    CHECK(std::is_sorted(places.start.begin(), places.start.end()));
    upper += places.start[8];
    all += places.start[16];
  }
  // Half of 1160 blocks, with a standard deviation of at most sqrt(1160 / 4) = 17.
  CHECK(std::abs(upper - all / 2) < 4 * 17);
}

TEST_CASE("Rows that no kernel can take say why") {
  const CpuContext context = contexts().back();
  const auto refused = [&](const PlanRow& row) {
    const ProblemFamily family = row.op == "gemm" ? gemm_family() : spmm_family();
    CHECK_THROWS_AS(family.check(row, context), NotHere);
  };
  refused(sparse_row(8, 64, 64, "block", 0.5));
  refused(sparse_row(8, 64, 64, "block", 0.5, "16"));
  refused(sparse_row(8, 64, 64, "block", 0.5, "0x16"));
  refused(sparse_row(8, 64, 64, "vector", 0.5, "4x4"));
  refused(sparse_row(8, 64, 62, "2:4", 0.5));
  refused(sparse_row(8, 64, 64, "unstructured", 1.5));
  refused(sparse_row(8, 64, 64, "vnm", 0.5));
  refused(sparse_row(0, 64, 64, "unstructured", 0.5));
  PlanRow half = sparse_row(8, 64, 64, "unstructured", 0.5);
  half.dtype = "fp16";
  refused(half);
}

}  // namespace
}  // namespace sparsesim::measure
