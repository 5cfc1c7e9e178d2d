#include "models/ops/weights/spmm.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

#include "models/compute/player.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

SpmmSize csr(double sparsity, std::int64_t m = 64) {
  SpmmSize size;
  size.m = m;
  size.n = size.k = 4096;
  size.pattern = "unstructured";
  size.kernel = "sputnik";
  size.sparsity = sparsity;
  return size;
}

SpmmSize vectors(std::int64_t height, double sparsity) {
  SpmmSize size = csr(sparsity, 256);
  size.pattern = "vector";
  size.kernel = "";
  size.block_n = height;
  return size;
}

LaunchResult play_sparse(const SpmmSize& size, const Ideal& ideal = {}) {
  const Program program = Spmm(size).lower({a100(), ideal, 1});
  return play(*program.stages.front().launch, a100(), ideal);
}

}  // namespace

TEST_CASE("more zeros never take longer") {
  double before = 1e9;
  for (const double sparsity : {0.5, 0.7, 0.9, 0.98}) {
    const double now = play_sparse(csr(sparsity)).time.us();
    CHECK(now < before);
    before = now;
  }
}

TEST_CASE("useful work is that of the stored weights, whatever the kernel issues") {
  for (const double sparsity : {0.5, 0.9}) {
    const SpmmSize size = csr(sparsity);
    const double stored = static_cast<double>(size.row_counts(1).total());
    const LaunchResult result = play_sparse(size);
    CHECK(result.counters.useful_macs == doctest::Approx(stored * 64));
    CHECK(result.counters.issued_macs >= result.counters.useful_macs);
    CHECK(result.time.seconds() >= result.bound_seconds());
  }
}

TEST_CASE("weights and indices are read once: 2 bytes of value and 2 of index each") {
  const SpmmSize size = csr(0.9);
  const double stored = static_cast<double>(size.row_counts(1).total());
  const double activations = 4096.0 * 64 * 2, results = 4096.0 * 64 * 2;
  CHECK(play_sparse(size).counters.dram_bytes == doctest::Approx(stored * 4 + activations + results).epsilon(0.05));
}

TEST_CASE("a taller vector shares its gathered row: the same weights cost less") {
  const auto by_their_kernel = [](std::int64_t height) {
    SpmmSize size = vectors(height, 0.9);
    size.kernel = "vectorsparse";
    return play_sparse(size).time;
  };
  CHECK(by_their_kernel(8) < by_their_kernel(2));
}

TEST_CASE(
    "steps that wait for their loads show where tasks are alone, and hide behind each other where they are many") {
  const auto microseconds = [](double latency, std::int64_t outputs) {
    Substrate machine = a100();
    for (Kernel& kernel : machine.kernels)
      if (kernel.name.starts_with("vectorsparse")) kernel.constants["step_latency_cycles"].value = latency;
    SpmmSize size = vectors(8, 0.5);
    size.kernel = "vectorsparse";
    size.n = outputs;
    const Program program = Spmm(size).lower({machine, {}, 1});
    return play(*program.stages.front().launch, machine, {}).time.us();
  };
  constexpr double cycles = 4000;   // far above what a step takes in the pipes
  const double steps = 2048 / 4.0;  // half of the depth, four vectors at a time
  CHECK(microseconds(cycles, 64) - microseconds(0, 64) > 0.5 * steps * cycles / 1410);
  CHECK(microseconds(300, 64) > 1.1 * microseconds(0, 64));
  CHECK(microseconds(300, 32768) == doctest::Approx(microseconds(0, 32768)).epsilon(0.05));
}

TEST_CASE("uneven rows cost more than equal ones") {
  SpmmSize equal = csr(0.9), skewed = csr(0.9);
  equal.mask = equal_row_counts(4096, 4096, 0.1);
  skewed.mask = equal.mask;
  // The same total: half of the rows of each task hold nothing, the others twice as much.
  for (std::size_t row = 0; row < skewed.mask.units.size(); ++row)
    skewed.mask.units[row] = row % 2 == 0 ? 0 : 2 * equal.mask.units[row];
  CHECK(play_sparse(skewed).time.us() > play_sparse(equal).time.us());
}

TEST_CASE("the quick facts: declared sparsity is that of the counts, and single zeros free few lines") {
  const SparsitySummary summary = Spmm(csr(0.9)).sparsity({a100(), {}, 1});
  CHECK(summary.declared == doctest::Approx(0.9).epsilon(0.01));
  CHECK(summary.aligned_cache < 0.01);  // 0.9^63
}

TEST_CASE("2:4 reads 9/16 of the bytes and multiplies at the sparse rate, never faster") {
  SpmmSize size = csr(0.5, 4096);
  size.pattern = "2:4";
  size.kernel = "";
  const LaunchResult sparse = play_sparse(size);
  const Program twin = Spmm(size).lower_dense({a100(), {}, 1});
  const LaunchResult dense = play(*twin.stages.front().launch, a100(), {});
  CHECK(sparse.counters.useful_macs == doctest::Approx(dense.counters.useful_macs / 2));
  CHECK(sparse.counters.issued_macs == doctest::Approx(sparse.counters.useful_macs));  // sizes are whole tiles
  const double speedup = dense.time.us() / sparse.time.us();
  CHECK(speedup > 1.3);
  CHECK(speedup <= 2.0);
  const SparsitySummary summary = Spmm(size).sparsity({a100(), {}, 1});
  CHECK(summary.declared == 0.5);
  CHECK(summary.aligned_cache == doctest::Approx((1 - 9.0 / 16) / 0.5));
  CHECK(summary.aligned_dispatch == doctest::Approx(1));  // the A100 multiplies 2:4 at twice the rate
}

TEST_CASE("one row of activations streams weights: 2:4 saves their bytes, not more") {
  SpmmSize size = csr(0.5, 1);
  size.n = size.k = 8192;
  size.pattern = "2:4";
  size.kernel = "";
  const double weights = 8192.0 * 8192 * 2;
  CHECK(play_sparse(size).counters.dram_bytes == doctest::Approx(weights * 9 / 16).epsilon(0.01));
}

TEST_CASE("a library that ranks tiles by their main loop: 96 and 128 of them take two waves each, at any depth") {
  // Measured for 4096 rows: 768 and 1024 outputs take 89.7 and 90.6 us at k = 768, 1010 and 1012 us at k = 10752.
  const Substrate card = load_substrate("rtx-3090", shipped_substrates());
  for (const std::int64_t k : {768, 10752}) {
    const auto time = [&](std::int64_t outputs) {
      SpmmSize size;
      size.m = 4096;
      size.n = outputs;
      size.k = k;
      size.pattern = "2:4";
      size.sparsity = 0.5;
      size.kernel = "cusparselt";
      const Program program = Spmm(size).lower({card, {}, 1});
      return play(*program.stages.front().launch, card, {}).time.us();
    };
    CHECK(time(1024) / time(768) == doctest::Approx(1).epsilon(0.05));
  }
}

TEST_CASE("tiles that are unpacked before a barrier: each tenth of zeros saves as much, most of the step stays") {
  const auto time = [](double sparsity) {
    SpmmSize size = csr(sparsity, 16);
    size.n = 36864;
    size.k = 12288;
    size.kernel = "flash-llm";
    return play_sparse(size).time.us();
  };
  const double first = time(0.7) - time(0.8), second = time(0.8) - time(0.9);
  CHECK(first > 0);
  CHECK(second == doctest::Approx(first).epsilon(0.15));
  CHECK(time(0.9) > 0.6 * time(0.7));
}

TEST_CASE("V:N:M: twice M, half the work") {
  const Substrate card = load_substrate("rtx-3090", shipped_substrates());
  const auto time = [&](int columns) {
    SpmmSize size = csr(1 - 2.0 / columns, 4096);
    size.pattern = "vnm";
    size.kernel = "";
    size.block_n = 128;
    size.n_of = columns;
    size.k = 12800;
    const Program program = Spmm(size).lower({card, {}, 1});
    return play(*program.stages.front().launch, card, {}).time.us();
  };
  CHECK(time(16) / time(32) == doctest::Approx(2).epsilon(0.1));
  CHECK(time(4) / time(8) == doctest::Approx(2).epsilon(0.1));
}

namespace {

const Substrate& a100_40() {
  static const Substrate substrate = load_substrate("a100-sxm4-40gb", shipped_substrates());
  return substrate;
}

double constant_of(const std::string& kernel, const std::string& name) {
  for (const Kernel& each : a100_40().kernels)
    if (each.name == kernel) return each.constants.at(name).value;
  throw std::out_of_range(kernel);
}

SpmmSize integers(std::int64_t height, const std::string& dtype) {
  SpmmSize size = vectors(height, 0.9);
  size.dtype = dtype;
  size.equal_rows = true;
  return size;
}

SpmmSize blocks(std::int64_t side, double sparsity, const std::string& dtype) {
  SpmmSize size = csr(sparsity, 1024);
  size.pattern = "block";
  size.block_n = size.block_k = side;
  size.dtype = dtype;
  size.kernel = "torch-triton-bsr-2.1";
  return size;
}

LaunchResult play_on_40(const SpmmSize& size) {
  return play(*Spmm(size).lower({a100_40(), {}, 1}).stages.front().launch, a100_40(), {});
}

Launch twin_on_40(const SpmmSize& size) { return *Spmm(size).lower_dense({a100_40(), {}, 1}).stages.front().launch; }

}  // namespace

TEST_CASE(
    "a call timed alone shows its launch in both runs, and the library's choice in the twin; a graph hides them") {
  SpmmSize alone = vectors(8, 0.9);
  alone.kernel = "vectorsparse";
  SpmmSize in_graph = alone;
  alone.timed_call = true;
  const double launch = constant_of("host_call", "launch_us"), library = constant_of("host_call", "library_us");
  const double sparse = play_on_40(alone).time.us() - play_on_40(in_graph).time.us();
  CHECK(sparse == doctest::Approx(launch).epsilon(0.001));
  const double dense = twin_on_40(alone).fixed_seconds - twin_on_40(in_graph).fixed_seconds;
  CHECK(dense * 1e6 == doctest::Approx(launch + library).epsilon(0.001));
}

TEST_CASE("a layer's dense int8 twin multiplies in the matrix unit: operands lie as both products like them") {
  const LaunchResult dense = play(twin_on_40(integers(8, "int8")), a100_40(), {});
  const double rate = 2048.0 * 108 * 1.41e9;  // int8 multiply-adds of all units
  CHECK(dense.busy[static_cast<int>(Pipe::vector)] == 0);
  CHECK(dense.busy[static_cast<int>(Pipe::tensor)] >= 256.0 * 4096 * 4096 / rate);
}

TEST_CASE("row-major int8 has no matrix instructions: its published twin does 4 multiply-adds per lane and cycle") {
  SpmmSize size = integers(8, "int8");
  size.timed_call = true;
  const Launch twin = twin_on_40(size);
  const LaunchResult dense = play(twin, a100_40(), {});
  const double rate = 4 * 64.0 * 108 * 1.41e9;  // lanes of all units
  CHECK(dense.busy[static_cast<int>(Pipe::tensor)] == 0);
  CHECK(dense.busy[static_cast<int>(Pipe::vector)] >= 256.0 * 4096 * 4096 / rate);
  // Depth 2304 is one loop, 4608 two halves: as many steps per task, twice the tasks.
  SpmmSize shallow = size, deep = size;
  shallow.k = 2304;
  deep.k = 4608;
  CHECK(twin_on_40(deep).tasks.size() == 2 * twin_on_40(shallow).tasks.size());
  CHECK(twin_on_40(deep).shapes.front().steps == twin_on_40(shallow).shapes.front().steps);
}

TEST_CASE("16-bit weights as two rows of 8 bits: no gather twice, and matrix work only beyond 8 rows") {
  for (const std::int64_t height : {4, 8}) {
    const LaunchResult narrow = play_on_40(integers(height, "int8")), wide = play_on_40(integers(height, "int16xint8"));
    const int tensor = static_cast<int>(Pipe::tensor), vector = static_cast<int>(Pipe::vector);
    // Halves that stand in one instruction are added up once per task of 64 rows of activations: 4096 on 108 units.
    const double added =
        height == 4 ? 4096 * constant_of("magicube_4", "halves_cycles") / (108 * a100_40().compute.clock) : 0;
    CHECK(wide.busy[vector] == doctest::Approx(narrow.busy[vector] + added));
    // 4 rows leave half of the instruction's 8 empty; 8 rows fill it and need a second one.
    CHECK(wide.busy[tensor] == doctest::Approx(narrow.busy[tensor] * (height == 4 ? 1 : 2)));
  }
}

TEST_CASE("a call in a loop takes no less than its host") {
  SpmmSize size = blocks(64, 0.99, "fp16");
  const double device = play_sparse(size).time.us();
  size.timed_call = true;
  const LaunchResult timed = play_sparse(size);
  const double host = constant_of("torch-triton-bsr-2.1_64_half", "host_us");
  CHECK(device < host);
  CHECK(timed.time.us() == doctest::Approx(host));
  size.sparsity = 0;
  size.m = 8192;
  const double busy = play_sparse(size).time.us();
  CHECK(busy > host);
  size.timed_call = false;
  CHECK(play_sparse(size).time.us() == busy);
}

TEST_CASE("blocks in single precision multiply on the vector pipe, as the dense twin does") {
  const SpmmSize size = blocks(32, 0.5, "fp32");
  const double stored = static_cast<double>(size.row_counts(1).total()) * 32 * 32;
  const double rate = 64.0 * 108 * 1.41e9;  // multiply-adds of all lanes
  CHECK(play_sparse(size).busy[static_cast<int>(Pipe::vector)] >= stored * 1024 / rate);
  CHECK(play_sparse(size).busy[static_cast<int>(Pipe::tensor)] == 0);
}

TEST_CASE("a larger block shares its index and its gathered rows: the same weights cost less") {
  double before = 1e9;
  for (const std::int64_t side : {16, 32, 64}) {
    const double now = play_sparse(blocks(side, 0.5, "bf16")).time.us();
    CHECK(now < before);
    before = now;
  }
}

TEST_CASE("what no kernel covers is refused by name") {
  SpmmSize size = vectors(2, 0.9);
  size.dtype = "tf32";
  CHECK_THROWS_WITH_AS(Spmm(size).lower({a100(), {}, 1}), "no spmm kernel for vector weights in tf32 on a100-sxm4-80gb",
                       UnsupportedError);
  size.dtype = "fp16";
  size.kernel = "magicbue";
  CHECK_THROWS_WITH_AS(Spmm(size).lower({a100(), {}, 1}),
                       doctest::Contains("no spmm kernel called \"magicbue\" (did you mean \"magicube"),
                       UnsupportedError);
}

}  // namespace sparsesim
