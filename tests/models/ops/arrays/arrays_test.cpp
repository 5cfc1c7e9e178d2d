// Engines that skip zeros: the laws of their dataflows, each on a machine whose numbers are in its file.
#include <doctest/doctest.h>

#include <cmath>

#include "models/compute/player.h"
#include "models/ops/arrays/array_dataflows.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

SpmmSize layer(std::int64_t m, std::int64_t n, std::int64_t k, double zeros, double zero_activations = 0) {
  SpmmSize size;
  size.m = m;
  size.n = n;
  size.k = k;
  size.pattern = "unstructured";
  size.sparsity = zeros;
  size.activation_sparsity = zero_activations;
  return size;
}

Kernel engine(const char* op, std::map<std::string, double> constants) {
  Kernel kernel;
  kernel.name = "engine";
  kernel.op = op;
  for (const auto& [name, value] : constants) kernel.constants[name].value = value;
  return kernel;
}

double longest_cycles(const Launch& launch) {
  double longest = 0;
  for (const TaskShape& shape : launch.shapes)
    longest = std::max(longest, shape.steps * shape.cycles_per_step[0] + shape.epilogue_cycles);
  return longest;
}

double columns_cycles(const SpmmSize& size, std::map<std::string, double> constants, const Ideal& ideal = {}) {
  return longest_cycles(
      lower_array_columns(size, engine("array_columns", std::move(constants)), {machine("eie-64"), ideal, 1}));
}

double stationary_cycles(const SpmmSize& size, std::map<std::string, double> constants) {
  return longest_cycles(
      lower_array_stationary(size, engine("array_stationary", std::move(constants)), {machine("sigma-128"), {}, 1}));
}

}  // namespace

TEST_CASE("without a zero, elements of a broadcast engine never wait: rows of each times columns, and one broadcast") {
  CHECK(columns_cycles(layer(1, 64 * 10, 100, 0), {{"queue_depth", 1}}) == doctest::Approx(10 * 100 + 1));
}

TEST_CASE("dense products of SIGMA are sparse ones without a zero: the same engine, nothing padded") {
  const LowerContext context{machine("sigma-128"), {}, 1};
  for (const std::int64_t m : {1, 16, 64, 256, 4096}) {
    CAPTURE(m);
    SpmmSize size = layer(m, 14336, 4096, 0);
    size.dtype = "bf16";
    const auto seconds = [&](const Program& program) {
      return play(*program.stages.front().launch, machine("sigma-128"), {}).time.seconds();
    };
    CHECK(seconds(Spmm(size).lower_dense(context)) == doctest::Approx(seconds(Spmm(size).lower(context))).epsilon(0.1));
  }
}

TEST_CASE("a zero activation is not broadcast: half of them take half of the time") {
  const double all = columns_cycles(layer(1, 4096, 2048, 0.9), {{"queue_depth", 8}});
  const double half = columns_cycles(layer(1, 4096, 2048, 0.9, 0.5), {{"queue_depth", 8}});
  CHECK(half / all == doctest::Approx(0.5).epsilon(0.03));
}

TEST_CASE("a deeper queue is never slower, and one entry leaves about half of the cycles idle") {
  const SpmmSize size = layer(1, 4096, 4096, 0.91, 0.65);
  const double balanced = columns_cycles(size, {{"queue_depth", 64}}, {.imbalance = true});
  double before = 1e18;
  for (const double depth : {1.0, 2.0, 4.0, 8.0, 32.0}) {
    const double now = columns_cycles(size, {{"queue_depth", depth}});
    CHECK(now <= before);
    CHECK(now >= balanced);
    before = now;
  }
  CHECK(balanced / columns_cycles(size, {{"queue_depth", 1}}) == doctest::Approx(0.5).epsilon(0.15));
}

TEST_CASE("runs of more zeros than an entry can skip store fillers: p^16 / (1 - p^16) per entry of a long column") {
  constexpr double kZeros = 0.96;
  const SpmmSize size = layer(1, 64 * 20000, 40, kZeros);
  const double run = std::pow(kZeros, 16);
  const double free = columns_cycles(size, {}, {.imbalance = true});
  const double filled = columns_cycles(size, {{"run_limit", 15}}, {.imbalance = true});
  CHECK(filled / free == doctest::Approx(1 + run / (1 - run)).epsilon(0.02));
  CHECK(columns_cycles(size, {{"run_limit", 15}}, {.metadata = true, .imbalance = true}) ==
        doctest::Approx(free).epsilon(1e-9));
}

TEST_CASE("an outer product of whole vectors uses every multiplier; one number more than a vector costs another") {
  const Kernel kernel = engine("array_outer", {{"activation_lanes", 4}, {"weight_lanes", 4}, {"weight_columns", 64}});
  const LowerContext context{machine("scnn-64"), {}, 1};
  const double whole = longest_cycles(lower_array_outer(layer(64 * 8, 128, 32, 0), kernel, context));
  CHECK(whole == doctest::Approx(64.0 * 8 * 128 * 32 / (64 * 16)));
  const double more = longest_cycles(lower_array_outer(layer(64 * 9, 128, 32, 0), kernel, context));
  CHECK(more / whole == doctest::Approx(3.0 / 2));
}

TEST_CASE("issued multiplies are never fewer than those of two numbers, and time is never below them") {
  for (const double zeros : {0.0, 0.5, 0.9})
    for (const double zero_activations : {0.0, 0.6}) {
      const SpmmSize size = layer(784, 512, 128, zeros, zero_activations);
      const Kernel kernel =
          engine("array_outer", {{"activation_lanes", 4}, {"weight_lanes", 4}, {"weight_columns", 72}});
      const Substrate& substrate = machine("scnn-64");
      const LaunchResult result = play(lower_array_outer(size, kernel, {substrate, {}, 1}), substrate, {});
      CHECK(result.counters.issued_macs >= 0.97 * result.counters.useful_macs);
      CHECK(result.time.seconds() * 64 * 16 * substrate.compute.clock >= result.counters.issued_macs * 0.999);
    }
}

TEST_CASE("packed weights take as many folds as they fill multipliers, whatever the shape of the product") {
  constexpr double kMultipliers = 128 * 128;
  const std::map<std::string, double> constants = {{"activation_lanes", 128}};
  // 64 folds of one step per row of activations.
  CHECK(stationary_cycles(layer(500, 1024, 1024, 0), constants) == doctest::Approx(1024.0 * 1024 / kMultipliers * 500));
  // A fifth of the weights: 13 folds, 12.8 rounded up.
  CHECK(stationary_cycles(layer(500, 1024, 1024, 0.8), constants) == doctest::Approx(13.0 * 500));
  // A narrow product loses nothing: 16 columns of 4096 fill four folds.
  CHECK(stationary_cycles(layer(500, 16, 4096, 0), constants) == doctest::Approx(4.0 * 500));
}

TEST_CASE("what cannot be moved in a cycle takes more of them: a row and its sums over the distribution's rate") {
  const double rate = 64;  // 32 numbers of 16 bits per cycle, where a row has 1024 and 16 sums
  const double fast = stationary_cycles(layer(500, 16, 1024, 0), {{"activation_lanes", 128}});
  const double slow =
      stationary_cycles(layer(500, 16, 1024, 0), {{"activation_lanes", 128}, {"distribution_bytes", rate}});
  CHECK(fast == doctest::Approx(500));
  CHECK(slow == doctest::Approx(500 * (1024 + 16) * 2 / rate + 16 * 1024 * 2 / rate));
  // A square fold of 128 x 128 moves 256 numbers per step.
  const double square =
      stationary_cycles(layer(8192, 4096, 4096, 0), {{"activation_lanes", 128}, {"distribution_bytes", rate}});
  CHECK(square == doctest::Approx(1024 * (8192 * 256 * 2 / rate) + 4096.0 * 4096 * 2 / rate));
}

TEST_CASE("machines without a way to skip them multiply zero activations: the same time") {
  const SpmmSize dense = layer(64, 4096, 4096, 0.9), zeros = layer(64, 4096, 4096, 0.9, 0.5);
  const auto seconds = [](const SpmmSize& size) {
    const Program program = Spmm(size).lower({a100(), {}, 1});
    return play(*program.stages.front().launch, a100(), {}).time.seconds();
  };
  CHECK(seconds(dense) == seconds(zeros));
}

TEST_CASE("a constant that arrays do not know is refused by name") {
  CHECK_THROWS_WITH_AS(array_constants(engine("array_outer", {{"lanes", 4}})),
                       "kernel engine: arrays know no constant lanes (docs/models/arrays.md)", UnsupportedError);
  CHECK_THROWS_AS(array_constants(engine("array_columns", {{"queue_depth", 0}})), UnsupportedError);
}

}  // namespace sparsesim
