// Laws of structured matrices: work and parameters by hand, bytes of every pass, order among structures.

#include "models/ops/structured/structured_matrix.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "models/compute/player.h"
#include "models/ops/dense/gemm.h"
#include "models/ops/registry.h"
#include "models/ops/structured/structured_batch.h"
#include "models/ops/structured/structured_fft.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

StructuredSize square(std::int64_t side, std::string structure, std::int64_t m = 4096) {
  StructuredSize size;
  size.m = m;
  size.n = size.k = side;
  size.structure = std::move(structure);
  return size;
}

StructuredSize low_rank(std::int64_t side, std::int64_t rank, std::int64_t m = 4096) {
  StructuredSize size = square(side, "low_rank", m);
  size.rank = rank;
  return size;
}

StructuredSize monarch(std::int64_t side, std::int64_t blocks, std::int64_t m = 4096) {
  StructuredSize size = square(side, "monarch", m);
  size.blocks = blocks;
  return size;
}

struct Totals {
  double seconds = 0, dram_bytes = 0, useful_macs = 0, bound_seconds = 0;
};

Totals totals(const Program& program) {
  Totals sum;
  for (const Stage& stage : program.stages) {
    const LaunchResult result = play(*stage.launch, a100(), {});
    sum.seconds += result.time.seconds();
    sum.dram_bytes += result.counters.dram_bytes;
    sum.useful_macs += result.counters.useful_macs;
    sum.bound_seconds += result.bound_seconds();
  }
  return sum;
}

Totals sparse(const StructuredSize& size) { return totals(StructuredMatrix(size).lower({a100(), {}, 1})); }
double speedup(const StructuredSize& size) {
  return totals(StructuredMatrix(size).lower_dense({a100(), {}, 1})).seconds / sparse(size).seconds;
}

}  // namespace

TEST_CASE("a low-rank product makes m r (k + n) multiply-adds and has r (k + n) parameters") {
  const StructuredSize size = low_rank(1024, 100, 333);
  CHECK(parameters(size) == 100 * 2048);
  CHECK(sparse(size).useful_macs == doctest::Approx(333.0 * 100 * 2048));
  CHECK(work_share(size) == doctest::Approx(100.0 * 2048 / (1024.0 * 1024)));
}

TEST_CASE("a Monarch matrix of b blocks has the parameters of rank n / b, and makes as many multiply-adds") {
  const StructuredSize size = monarch(4096, 8, 512);
  CHECK(parameters(size) == parameters(low_rank(4096, 4096 / 8)));
  CHECK(sparse(size).useful_macs == doctest::Approx(512 * parameters(size)));
  StructuredSize wide = size;  // [1024, 4096]: the inner side is the shorter one
  wide.k = 1024;
  CHECK(parameters(wide) == 1024.0 * (1024 + 4096) / 8);
  CHECK(sparse(wide).useful_macs == doctest::Approx(512 * parameters(wide)));
}

TEST_CASE("a permutation reads and writes the activations once: a Monarch product moves that much more") {
  const StructuredSize size = monarch(4096, 8);
  const Program program = StructuredMatrix(size).lower({a100(), {}, 1});
  REQUIRE(program.stages.size() == 3);
  CHECK(play(*program.stages[1].launch, a100(), {}).counters.dram_bytes == doctest::Approx(2.0 * 4096 * 4096 * 2));
}

TEST_CASE("a batch of products is their sum in work, and one product is a plain one") {
  const GemmSize size{.m = 512, .n = 256, .k = 128, .dtype = "bf16"};
  const LaunchResult batch = play(lower_batched_gemm(16, size, a100(), {}), a100(), {});
  CHECK(batch.counters.useful_macs == doctest::Approx(16.0 * 512 * 256 * 128));
  // Nothing is shared among products: every operand comes from DRAM, every result goes there.
  CHECK(batch.counters.dram_bytes == doctest::Approx(16.0 * 2 * (512 * 128 + 128 * 256 + 512 * 256)));
  CHECK(play(lower_batched_gemm(1, size, a100(), {}), a100(), {}).time ==
        play(lower_gemm(size, a100(), {}), a100(), {}).time);
}

TEST_CASE("a butterfly streams the activations once per factor, or once per fused group of factors") {
  StructuredSize size = square(1024, "butterfly", 8192);
  CHECK(parameters(size) == 2.0 * 1024 * 10);
  const double pass = 2.0 * 8192 * 1024 * 2, weights = 2.0 * 1024 * 10 * 2;  // read and write; two weights per column
  CHECK(sparse(size).dram_bytes == doctest::Approx(10 * pass + weights));
  size.stages_per_pass = 4;
  CHECK(StructuredMatrix(size).lower({a100(), {}, 1}).stages.size() == 3);
  CHECK(sparse(size).dram_bytes == doctest::Approx(3 * pass + weights));
  CHECK(sparse(size).seconds >= sparse(size).dram_bytes / a100().memory.dram_achieved);
}

TEST_CASE("a real transform of N points counts 2.5 N log2 N operations and 8 (N / 2 + 1) bytes of spectrum") {
  CHECK(fourier_flops(1024) == 2.5 * 1024 * 10);
  CHECK(spectrum_bytes(1024) == 8 * 513);
  CHECK(next_power_of_two(1) == 1);
  CHECK(next_power_of_two(1025) == 2048);
}

TEST_CASE("a circulant product reads values, moves spectra and writes values") {
  const StructuredSize size = square(4096, "circulant", 2048);
  CHECK(parameters(size) == 4096);
  const double values = 2048.0 * 4096 * 2, spectra = 2048 * spectrum_bytes(4096);
  // Transform: values in, spectra out. Product: spectra in and out, the weights' once. Back: spectra in, values out.
  CHECK(sparse(size).dram_bytes == doctest::Approx(2 * values + 4 * spectra + spectrum_bytes(4096)));
  CHECK(sparse(size).seconds >= sparse(size).bound_seconds);
}

TEST_CASE("a Toeplitz product pads to a circulant one of twice the length") {
  const StructuredSize size = square(4096, "toeplitz");
  CHECK(parameters(size) == 8191);
  const double macs = (2 * fourier_flops(8192) + 6.0 * 4097) / 2;
  CHECK(work_share(size) == doctest::Approx(macs / (4096.0 * 4096)));
  CHECK(sparse(size).seconds > sparse(square(4096, "circulant")).seconds);
}

TEST_CASE("rows too long for the scratchpad take one more pass each way") {
  CHECK(StructuredMatrix(square(8192, "circulant", 64)).lower({a100(), {}, 1}).stages.size() == 3);
  CHECK(StructuredMatrix(square(16384, "circulant", 64)).lower({a100(), {}, 1}).stages.size() == 5);
}

TEST_CASE(
    "at equal parameters a low-rank product comes nearer to its ideal than Monarch, and that nearer than a butterfly") {
  // Published: about 100 % and about 90 %. Butterflies need so little work that moving the activations is all that is
  // left.
  const double ideal = 2, rank = speedup(low_rank(16384, 4096, 16384)) / ideal;
  const double blocks = speedup(monarch(16384, 4, 16384)) / ideal;
  CHECK(rank > blocks);
  CHECK(rank == doctest::Approx(1.0).epsilon(0.05));
  CHECK(blocks == doctest::Approx(0.9).epsilon(0.06));
  const StructuredSize butterfly = square(16384, "butterfly", 16384);
  CHECK(speedup(butterfly) * work_share(butterfly) < 0.1 * blocks);
}

TEST_CASE("what a structure cannot be is said by name") {
  const auto read = [](std::map<std::string, std::string> params, std::int64_t n = 4096) {
    MeasuredOp row;
    row.op = "structured_matrix";
    row.m = row.k = 4096;
    row.n = n;
    row.dtype = "bf16";
    row.params = std::move(params);
    return op_from_row(row);
  };
  CHECK(read({{"structure", "low_rank"}, {"rank", "64"}})->pattern() == "low_rank");
  CHECK_THROWS_WITH_AS(read({{"structure", "low_rank"}}), "structured_matrix: low_rank weights need rank",
                       UnsupportedError);
  CHECK_THROWS_WITH_AS(read({{"structure", "butterfly"}, {"rank", "4"}}),
                       "structured_matrix: butterfly weights have no rank", UnsupportedError);
  CHECK_THROWS_WITH_AS(read({{"structure", "monarch"}, {"blocks", "3"}}),
                       "structured_matrix: 3 blocks do not divide 4096 x 4096", UnsupportedError);
  CHECK_THROWS_AS(read({{"structure", "circulant"}}, 1000), UnsupportedError);
  CHECK_THROWS_WITH_AS(read({{"structure", "fractal"}}), doctest::Contains("cannot be \"fractal\""), UnsupportedError);
}

}  // namespace sparsesim
