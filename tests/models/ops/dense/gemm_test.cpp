#include "models/ops/dense/gemm.h"

#include <doctest/doctest.h>

#include "models/compute/player.h"
#include "models/ops/limits.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

LaunchResult run(const std::string& device, std::int64_t m, std::int64_t n, std::int64_t k, Ideal ideal = {}) {
  return play(lower_gemm(m, n, k, "bf16", machine(device), ideal), machine(device), ideal);
}

TEST_CASE("no product beats the matrix peak or the weights' DRAM time, on any shipped device") {
  for (const char* device : {"a100-sxm4-80gb", "h100-sxm5-80gb", "h200-sxm-141gb", "b200-sxm-180gb", "l40s-48gb"})
    for (std::int64_t m : {1, 17, 128, 1025})
      for (std::int64_t n : {64, 4096})
        for (std::int64_t k : {128, 8192}) {
          const Substrate& s = machine(device);
          const double macs = static_cast<double>(m * n * k);
          const double peak = s.compute.pipes.tensor.at("bf16").dense * s.compute.units * s.compute.clock;
          const LaunchResult r = run(device, m, n, k);
          CHECK(r.time.seconds() >= 2 * macs / peak);
          CHECK(r.time.seconds() >= 2.0 * static_cast<double>(n * k) / s.memory.dram_peak);
          CHECK(r.counters.useful_macs <= r.counters.issued_macs * (1 + 1e-12));
        }
}

TEST_CASE("one row streams the weights at 70 to 100 % of the achieved bandwidth") {
  // 16384 x 16384 bf16 is 537 MB.
  for (const char* device : {"a100-sxm4-80gb", "h100-sxm5-80gb", "h200-sxm-141gb"}) {
    const double rate = 2.0 * 16384 * 16384 / run(device, 1, 16384, 16384).time.seconds();
    CHECK(rate <= machine(device).memory.dram_achieved);
    CHECK(rate >= 0.7 * machine(device).memory.dram_achieved);
  }
}

TEST_CASE("depth that is not there is not read") {
  // One row against 128 x 1 Mi weights of 2 B: a step of the vector kernel spans 512 of depth.
  const double operands = 2.0 * 128 * (1 << 20) + 2.0 * 128, results = 2.0 * (1 << 20);
  for (const char* device : {"a100-sxm4-80gb", "h100-sxm5-80gb", "l40s-48gb"})
    CHECK(run(device, 1, 1 << 20, 128).counters.dram_bytes <= 1.01 * (operands + results));
}

TEST_CASE("96 tiles fit one wave of 108 units, 128 do not") {
  // n = k = 4096: 768 rows are 96 tiles of 256x128, 1024 rows are 128 in two waves. Measured: 204.5 against 104 us.
  const double ratio = run("a100-sxm4-80gb", 1024, 4096, 4096).time / run("a100-sxm4-80gb", 768, 4096, 4096).time;
  CHECK(ratio > 1.8);
  CHECK(ratio <= 2.1);
}

TEST_CASE("tiles between the powers of two: the 257th row is nearly free on H100") {
  // Measured at n = 16384: two tiles of 128 rows would become three, half again the time.
  const double ratio = run("h100-sxm5-80gb", 257, 16384, 16384).time / run("h100-sxm5-80gb", 256, 16384, 16384).time;
  CHECK(ratio < 1.25);
}

TEST_CASE("large cubes reach most of the peak, small ones little") {
  const auto rate = [](std::int64_t s) {
    return 2.0 * static_cast<double>(s * s * s) / run("a100-sxm4-80gb", s, s, s).time.seconds() / 312e12;
  };
  CHECK(rate(4096) > 0.7);
  CHECK(rate(512) < 0.3);
}

TEST_CASE("without fixed cost and padding a product is never slower") {
  Ideal free;
  free.fixed_cost = true;
  free.padding = true;
  CHECK(run("h100-sxm5-80gb", 129, 512, 512, free).time < run("h100-sxm5-80gb", 129, 512, 512).time);
}

TEST_CASE("an unknown type and a sparse row are refused by name") {
  CHECK_THROWS_AS(lower_gemm(1, 1, 1, "fp7", machine("a100-sxm4-80gb"), {}), UnsupportedError);
  MeasuredOp row;
  row.m = row.n = row.k = 64;
  row.dtype = "bf16";
  row.pattern = "2:4";
  CHECK_THROWS_AS(gemm_from_row(row), UnsupportedError);
  row.pattern = "dense";
  row.params["accumulate"] = "fp64";
  CHECK_THROWS_AS(gemm_from_row(row), UnsupportedError);
  CHECK_THROWS_AS(lower_gemm(64, 64, 64, "fp8", machine("a100-sxm4-80gb"), {}), UnsupportedError);
}

TEST_CASE("a row says what it sums in; without a word it is fp32") {
  MeasuredOp row;
  row.m = row.n = row.k = 64;
  row.dtype = "fp16";
  row.pattern = "dense";
  CHECK(dynamic_cast<const Gemm&>(*gemm_from_row(row)).size().accumulate == "fp32");
  row.params["accumulate"] = "fp16";
  CHECK(dynamic_cast<const Gemm&>(*gemm_from_row(row)).size().accumulate == "fp16");
}

TEST_CASE("a framework's linear layer in fp8 makes its activations fp8 first; a library's product does not") {
  const auto lowered = [](const char* device, const char* kernel) {
    MeasuredOp row;
    row.m = row.n = row.k = 4096;
    row.dtype = "fp8";
    row.pattern = "dense";
    row.kernel = kernel;
    return gemm_from_row(row)->lower({machine(device), {}, 1});
  };
  CHECK(lowered("h100-sxm5-80gb", "library:cublas").stages.size() == 1);
  const Program served = lowered("h100-sxm5-80gb", "library:vllm_default");
  REQUIRE(served.stages.size() == 2);
  const Launch& pass = *served.stages[0].launch;
  const LaunchResult played = play(pass, machine("h100-sxm5-80gb"), {});
  CHECK(played.counters.dram_bytes == doctest::Approx(4096.0 * 4096 * 3).epsilon(0.01));  // 2 bytes read, 1 written
  CHECK(served.stages[1].launch->dtype == "fp8");
  // Without a rate for fp8 the weights are unpacked beside activations of 16 bits.
  CHECK(lowered("a100-sxm4-80gb", "library:vllm_default").stages.back().launch->dtype == "bf16");
}

TEST_CASE("layers in turn leave in L2 what fits, and read the rest") {
  MeasuredOp row;
  row.m = 8, row.k = 512, row.dtype = "bf16", row.pattern = "dense", row.kernel = "library:vllm_default";
  const auto read_bytes = [&](const char* device, std::int64_t n) {  // what is written left out
    row.n = n;
    const Program program = gemm_from_row(row)->lower({machine(device), {}, 1});
    return play(*program.stages.at(0).launch, machine(device), {}).counters.dram_bytes -
           2.0 * static_cast<double>(row.m * n);
  };
  // Each side of H100's L2 keeps 26.2 MB: six times 4096 x 512 weights of 2 B are 25.2 MB, of 6144 x 512 37.7 MB.
  CHECK(read_bytes("h100-sxm5-80gb", 4096) == doctest::Approx(0));
  CHECK(read_bytes("h100-sxm5-80gb", 6144) == doctest::Approx(2.0 * 6144 * 512));  // activations stay
  CHECK(read_bytes("l40s-48gb", 6144) == doctest::Approx(0));                      // 96 MiB, one side
  row.params["layers_in_turn"] = "0";
  CHECK(read_bytes("h100-sxm5-80gb", 4096) == doctest::Approx(2.0 * (4096 + 8) * 512));
  row.params.clear();
  row.kernel = "library:cublas";
  CHECK(read_bytes("h100-sxm5-80gb", 4096) == doctest::Approx(2.0 * (4096 + 8) * 512));
  row.params["layers_in_turn"] = "6.5";
  CHECK_THROWS_AS(gemm_from_row(row), UnsupportedError);
}

TEST_CASE("streams: A100 starts slowly and then reaches the share of DRAM that H100 has from the start") {
  const auto rate = [](const Substrate& substrate, std::int64_t n, std::int64_t k) {
    const LaunchResult r = play(lower_gemm(4, n, k, "bf16", substrate, {}), substrate, {});
    return 2.0 * static_cast<double>(n * k) / (r.time.seconds() - r.fixed_seconds) / substrate.memory.dram_achieved;
  };
  const Substrate& a100 = machine("a100-sxm4-80gb");
  const Substrate& h100 = machine("h100-sxm5-80gb");
  CHECK(rate(a100, 16384, 4096) == doctest::Approx(0.933 * 0.83).epsilon(0.05));  // 134 MB: 90 us, all of them slow
  CHECK(rate(a100, 65536, 65536) == doctest::Approx(0.933).epsilon(0.02));        // 8.6 GB
  CHECK(rate(h100, 16384, 16384) == doctest::Approx(0.933).epsilon(0.03));
  // What the slow start costs is the same for every stream that outlasts it.
  Substrate steady = a100;
  for (Kernel& kernel : steady.kernels) kernel.constants.erase("slow_start_share");
  const auto lost = [&](std::int64_t k) {
    return play(lower_gemm(4, 65536, k, "bf16", a100, {}), a100, {}).time.seconds() -
           play(lower_gemm(4, 65536, k, "bf16", steady, {}), steady, {}).time.seconds();
  };
  CHECK(lost(16384) == doctest::Approx(170e-6 * (1 - 0.83)).epsilon(0.1));
  CHECK(lost(65536) == doctest::Approx(lost(16384)).epsilon(0.1));
}

TEST_CASE("useful multiplies are m n k, whatever the tiles") {
  for (std::int64_t m : {1, 100, 513})
    for (std::int64_t k : {64, 1000})
      for (const char* device : {"a100-sxm4-80gb", "h100-sxm5-80gb"}) {
        const LaunchResult r = run(device, m, 768, k);
        CHECK(r.counters.useful_macs == doctest::Approx(static_cast<double>(m) * 768 * static_cast<double>(k)));
      }
}

TEST_CASE("a product of too many tiles is refused with their number before memory is spent") {
  constexpr std::int64_t kHuge = std::int64_t{1} << 31;
  CHECK_THROWS_WITH_AS(lower_gemm(kHuge, kHuge, 64, "bf16", machine("a100-sxm4-80gb"), {}),
                       doctest::Contains("tiles of a matrix product"), TooLargeError);
  // Deep and thin is one tile with many steps.
  CHECK_NOTHROW(lower_gemm(1, 64, kHuge, "bf16", machine("h100-sxm5-80gb"), {}));
}

}  // namespace
}  // namespace sparsesim
