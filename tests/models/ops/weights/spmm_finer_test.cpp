// Weights in coarse units run by kernels of finer ones: whoever has both kernels takes the faster.
#include "models/ops/weights/spmm_finer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/models/ops/weights/spmm_run.h"

namespace sparsesim {
namespace {

SpmmSize projection(const std::string& pattern, std::int64_t rows, std::int64_t columns, std::int64_t m,
                    const std::string& dtype) {
  SpmmSize size;
  size.m = m;
  size.n = 3584;
  size.k = 4096;
  size.dtype = dtype;
  size.pattern = pattern;
  size.block_n = rows;
  size.block_k = columns;
  size.sparsity = 0.9;
  return size;
}

}  // namespace

TEST_CASE("a coarser unit is never slower where a kernel for the finer one runs it") {
  // Of random blocks, the larger ones lie less evenly: a little is allowed from 32 rows on, a sixth beyond.
  for (const auto& [name, dtype] : {std::pair{"a100-sxm4-80gb", "fp16"},
                                    {"h100-sxm5-80gb", "fp16"},
                                    {"rtx-3090", "fp16"},
                                    {"mi250x-gcd", "fp16"},
                                    {"epyc-milan-2c", "fp32"}}) {
    CAPTURE(name);
    for (const std::int64_t m : {1, 16, 1024}) {
      CAPTURE(m);
      double finer = run(projection("unstructured", 1, 1, m, dtype), machine(name)).time.us();
      for (const std::int64_t side : {2, 4, 8, 16, 32, 64}) {
        CAPTURE(side);
        const double now = run(projection("block", side, side, m, dtype), machine(name)).time.us();
        CHECK(now <= (side > 32 ? 1.17 : side == 32 ? 1.06 : 1.03) * finer);
        finer = std::min(finer, now);
      }
      CHECK(run(projection("vector", 8, 1, m, dtype), machine(name)).time.us() <=
            1.03 * run(projection("vector", 4, 1, m, dtype), machine(name)).time.us());
    }
  }
}

TEST_CASE("finer units store the same weights, each with an index of its own") {
  const SpmmSize size = projection("block", 16, 16, 16, "fp16");
  const RowCounts counts = size.row_counts(1);
  const SpmmSize finer = in_finer_units(size, {8, 4}, counts);
  CHECK(finer.pattern == "block");
  CHECK(finer.drawn.units.size() == 2 * counts.units.size());
  CHECK(finer.drawn.total() == 8 * counts.total());
  CHECK(finer.drawn.density() == doctest::Approx(counts.density()));
  CHECK(in_finer_units(size, {8, 1}, counts).pattern == "vector");
  CHECK(in_finer_units(size, {1, 1}, counts).pattern == "unstructured");
}

TEST_CASE("kernels for any unit stand back where one is written for it") {
  const auto has = [](const std::vector<Unit>& units, Unit unit) {
    return std::find(units.begin(), units.end(), unit) != units.end();
  };
  const auto written = finer_units(projection("block", 32, 32, 16, "fp16"), a100());
  CHECK(has(written, {16, 16}));
  CHECK(has(written, {8, 1}));
  CHECK(has(written, {1, 1}));
  CHECK_FALSE(has(written, {16, 32}));
  CHECK(has(finer_units(projection("block", 128, 128, 16, "fp16"), a100()), {32, 128}));
  SpmmSize transposed = projection("block", 32, 32, 16, "fp16");
  transposed.transposed = true;
  CHECK(finer_units(transposed, a100()).empty());
}

TEST_CASE("a published time is that of a kernel for the unit itself") {
  SpmmSize size = projection("block", 8, 8, 16, "fp16");
  CHECK(lowered(size).kernel != "cusparse_ell_8");  // single weights are faster for few rows
  size.timed_call = true;
  CHECK(lowered(size).kernel == "cusparse_ell_8");
}

TEST_CASE("a kernel that reads Blocked-ELL alone finds padded rows, whoever chose it") {
  SpmmSize size = projection("block", 8, 8, 1024, "fp16");
  size.kernel = "cusparse_ell_8";
  const double chosen = microseconds(size);
  size.format = "blocked_ell";
  CHECK(microseconds(size) == chosen);
}

}  // namespace sparsesim
