// Laws of products that skip the weights of zero activations.

#include "models/ops/dynamic/activation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <numeric>

#include "models/compute/player.h"
#include "sim/core/counts.h"
#include "tests/support/machines.h"

using namespace sparsesim;

namespace {

ActivationSize product(std::int64_t m, double sparsity) {
  ActivationSize size;
  size.m = m;
  size.n = 4096;
  size.k = 11008;
  size.sparsity = sparsity;
  return size;
}

double time_us(const Program& program, const Substrate& substrate) {
  double time = 0;
  for (const Stage& stage : program.stages) time += play(*stage.launch, substrate, {}).time.us();
  return time;
}
double sparse_us(const ActivationSize& size, const std::string& name = "a100-sxm4-80gb") {
  return time_us(ActivationGemm(size).lower({machine(name), {}, 1}), machine(name));
}
double speedup(const ActivationSize& size, const std::string& name = "a100-sxm4-80gb") {
  return time_us(ActivationGemm(size).lower_dense({machine(name), {}, 1}), machine(name)) / sparse_us(size, name);
}

/// Bytes that the streams of a launch deliver, useful and in whole sectors.
std::pair<double, double> read_bytes(const Launch& launch) {
  double useful = 0, lines = 0;
  for (const Task& task : launch.tasks) {
    const TaskShape& shape = launch.shapes[task.shape];
    for (const Stream& stream : shape.streams) {
      useful += stream.bytes_per_step * shape.steps;
      lines += stream.line_bytes_per_step * shape.steps;
    }
  }
  return {useful, lines};
}

}  // namespace

TEST_CASE("a channel is needed if one row needs it: 1 - s^m, less what the rows have in common") {
  CHECK(product(1, 0.9).union_share() == doctest::Approx(0.1));
  CHECK(product(2, 0.9).union_share() == doctest::Approx(1 - 0.81));
  CHECK(product(8, 0.5).union_share() == doctest::Approx(1 - std::pow(0.5, 8)));
  ActivationSize alike = product(64, 0.9);
  alike.overlap = 1;  // every row needs the same channels
  CHECK(alike.union_share() == doctest::Approx(0.1));
  alike.overlap = 0.5;  // half of the channels are common, the others are drawn by each row
  CHECK(alike.union_share() == doctest::Approx(1 - (0.5 * 0.9 + 0.5 * std::pow(0.9, 64))));
}

TEST_CASE("overlap is the correlation of two rows: (both zero - s^2) / (s - s^2)") {
  ActivationSize pair = product(2, 0.7);
  pair.overlap = 0.3;
  const double both_zero = 1 - pair.union_share();
  CHECK((both_zero - 0.49) / (0.7 - 0.49) == doctest::Approx(0.3));
}

TEST_CASE(
    "drawn channels: as many as expected, the same for the same seed, of a fixed sum where the largest are kept") {
  ActivationSize size = product(1, 0.75);
  // 11008 draws of chance 1/4 deviate by 45 (one sigma).
  const auto drawn = size.needed_per_block(64, 3);
  CHECK(drawn.size() == 172);
  CHECK(std::abs(sum(drawn) - 2752) < 4 * 46);
  CHECK(drawn == size.needed_per_block(64, 3));
  CHECK(drawn != size.needed_per_block(64, 4));
  CHECK(sum(size.needed_per_block(11008, 3)) == sum(drawn));  // the blocks cut one and the same mask
  size.source = ActivationSource::top_k;
  for (std::uint64_t seed : {1, 2, 3}) CHECK(sum(size.needed_per_block(64, seed)) == 2752);
}

TEST_CASE("gathered bytes: needed channels times a row of weights, in whole sectors") {
  ActivationSize size = product(1, 0.75);
  size.source = ActivationSource::top_k;
  size.n = 1000;  // 2000 bytes per row: cut into pieces, the last one a ragged 232 of 256 or 488 of 512 outputs
  const LowerContext context{machine("a100-sxm4-80gb"), {}, 1};
  const Launch launch = lower_masked_product(size, context);
  const auto [useful, lines] = read_bytes(launch);
  CHECK(useful == doctest::Approx(2752.0 * 1000 * 2));
  CHECK(lines == doctest::Approx(2752.0 * 63 * 32));  // 2000 bytes lie in 63 sectors of 32
  CHECK(launch.dram_share < 1);
}

TEST_CASE("multiply-adds: those of the union are executed, those of non-zero activations are useful") {
  ActivationSize size = product(4, 0.5);
  const LowerContext context{machine("a100-sxm4-80gb"), {}, 1};
  const Launch launch = lower_masked_product(size, context);
  double issued = 0, useful = 0;
  for (const Task& task : launch.tasks) {
    issued += launch.shapes[task.shape].issued_macs;
    useful += launch.shapes[task.shape].useful_macs;
  }
  const auto needed = static_cast<double>(sum(size.needed_per_block(11008, 1)));
  CHECK(issued == doctest::Approx(needed * 4096 * 4));
  CHECK(useful == doctest::Approx(issued * 0.5 / (1 - 0.0625)));
}

TEST_CASE(
    "a product takes at least the time of its needed bytes, and all zeros cost little more than two empty grids") {
  const Substrate& a100 = machine("a100-sxm4-80gb");
  for (double sparsity : {0.0, 0.3, 0.6, 0.9})
    CHECK(sparse_us(product(1, sparsity)) >=
          (1 - sparsity) * 0.97 * 2 * 4096 * 11008 / a100.memory.dram_achieved * 1e6);
  const double grid_us = (a100.dispatch.graph_node + a100.dispatch.grid_start) * 1e6;
  CHECK(sparse_us(product(1, 1.0)) >= 2 * grid_us);
  CHECK(sparse_us(product(1, 1.0)) < 2 * grid_us + 12);
}

TEST_CASE("more zeros are never slower, more rows never faster") {
  double before = 1e300;
  for (double sparsity : {0.0, 0.2, 0.4, 0.6, 0.8, 0.95}) {
    const double now = sparse_us(product(1, sparsity));
    CHECK(now <= before);
    before = now;
  }
  before = 0;
  for (std::int64_t m : {1, 2, 4, 8}) {
    const double now = sparse_us(product(m, 0.8));
    CHECK(now >= before);
    before = now;
  }
}

TEST_CASE("the gain vanishes with the batch, for the union of channels fills up; rows that agree keep it") {
  CHECK(speedup(product(1, 0.8)) > 3);
  CHECK(speedup(product(32, 0.8)) < 1.1);
  ActivationSize alike = product(32, 0.8);
  alike.overlap = 1;
  CHECK(speedup(alike) > 1.5 * speedup(product(32, 0.8)));
}

TEST_CASE("published: 1.53x at 40 % and 1.8x at 50 % end to end at best (TEAL); a layer comes near, below its ideal") {
  for (const char* name : {"a100-sxm4-80gb", "rtx-3090"}) {
    CAPTURE(name);
    CHECK(speedup(product(1, 0.4), name) > 1.3);
    CHECK(speedup(product(1, 0.4), name) < 1 / 0.6 * 1.05);
    CHECK(speedup(product(1, 0.5), name) > 1.5);
    CHECK(speedup(product(1, 0.5), name) < 2 * 1.05);
  }
}

TEST_CASE("who finds the zeros costs: nobody, a selection pass, a network") {
  ActivationSize size = product(1, 0.9);
  const double seen = sparse_us(size);
  size.source = ActivationSource::top_k;
  const double chosen = sparse_us(size);
  size.source = ActivationSource::predicted;
  size.predictor_rank = 1024;
  size.predictor_inputs = 4096;
  const double predicted = sparse_us(size);
  CHECK(seen < chosen);
  CHECK(chosen < predicted);
  // Two dense products over 1024 x (4096 + 11008) weights of 2 bytes, at best at the achieved bandwidth.
  CHECK(predicted - seen >= 2.0 * 1024 * (4096 + 11008) / machine("a100-sxm4-80gb").memory.dram_achieved * 1e6 * 0.95);
}

TEST_CASE("zeros that another row of the batch needs are free nowhere") {
  const LowerContext context{machine("a100-sxm4-80gb"), {}, 1};
  CHECK(ActivationGemm(product(1, 0.8)).sparsity(context).aligned_cache == doctest::Approx(1));
  const SparsitySummary pair = ActivationGemm(product(2, 0.8)).sparsity(context);
  CHECK(pair.declared == doctest::Approx(0.8));
  CHECK(pair.aligned_dispatch == doctest::Approx(0.64 / 0.8));
}

TEST_CASE("a type that no kernel of the library takes is refused by name") {
  ActivationSize size = product(1, 0.5);
  size.dtype = "int8";
  const LowerContext context{machine("a100-sxm4-80gb"), {}, 1};
  CHECK_THROWS_AS(ActivationGemm(size).lower(context), UnsupportedError);
  CHECK(ActivationGemm(size).lower_dense(context).stages.size() == 1);
}

TEST_CASE("a named kernel runs or is refused: a masked one takes a few rows, the gathered tiles any number") {
  const LowerContext context{machine("a100-sxm4-80gb"), {}, 1};
  ActivationSize size = product(1, 0.5);
  size.kernel = "masked_gemv_512";
  CHECK(ActivationGemm(size).lower(context).stages.back().launch->kernel == "masked_gemv_512x16");
  size.m = 64;
  CHECK_THROWS_AS(ActivationGemm(size).lower(context), UnsupportedError);
  size.kernel = "gathered_gemm";
  CHECK(ActivationGemm(size).lower(context).stages.back().launch->kernel.ends_with("_gathered"));
}
