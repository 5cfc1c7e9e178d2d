// Laws that any dense product obeys on any shipped device, whatever kernel a library takes.

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "models/compute/player.h"
#include "models/ops/dense/gemm.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

const std::vector<std::string> kDevices = {"a100-sxm4-80gb", "h100-sxm5-80gb", "h200-sxm-141gb", "b200-sxm-180gb",
                                           "l40s-48gb"};

double seconds(const std::string& device, std::int64_t m, std::int64_t n, std::int64_t k,
               const std::string& dtype = "bf16", const Ideal& ideal = {}) {
  const Substrate& s = machine(device);
  return play(lower_gemm(m, n, k, dtype, s, ideal), s, ideal).time.seconds();
}

// A kernel made for the test: one tile shape, one task per unit, no split.
Launch one_tile(std::int64_t m, std::int64_t n, std::int64_t k, const Substrate& s, const std::string& kernel) {
  const GemmSize size{.m = m, .n = n, .k = k, .dtype = "bf16"};
  for (const GemmPlan& plan : plan_gemm(size, s, {}))
    if (plan.kernel->name == kernel && plan.splits == 1) return build_gemm(size, plan, s, {});
  FAIL("no such kernel: " << kernel);
  return {};
}

TEST_CASE("more rows, columns or depth never save more than the last wave's emptiness") {
  // The choice of kernel may improve with size: up to one part in six is allowed.
  for (const std::string& device : kDevices) {
    CAPTURE(device);
    double rows = 0, columns = 0, depth = 0;
    for (const std::int64_t size : {64, 128, 256, 512, 1024, 2048, 4096}) {
      CAPTURE(size);
      const double by_rows = seconds(device, size, 4096, 4096), by_columns = seconds(device, 512, size, 4096),
                   by_depth = seconds(device, 512, 4096, size);
      CHECK(by_rows >= rows * 5 / 6);
      CHECK(by_columns >= columns * 5 / 6);
      CHECK(by_depth >= depth * 5 / 6);
      rows = std::max(rows, by_rows);
      columns = std::max(columns, by_columns);
      depth = std::max(depth, by_depth);
    }
  }
}

TEST_CASE("no product is faster than its multiplies at the peak or its bytes at the best streaming rate") {
  for (const std::string& device : kDevices)
    for (const std::int64_t m : {1, 100, 3000})
      for (const std::int64_t n : {512, 5000})
        for (const std::int64_t k : {512, 16384}) {
          CAPTURE(device);
          CAPTURE(m);
          const Substrate& s = machine(device);
          const double flops = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
          const double peak = s.compute.pipes.tensor.at("bf16").dense * s.compute.units * s.compute.clock;
          const double bytes = 2.0 * static_cast<double>(m * k + k * n + m * n);
          CHECK(seconds(device, m, n, k) >= std::max(flops / peak, bytes / s.memory.dram_achieved));
        }
}

TEST_CASE("one more tile than a wave holds costs another wave of the same tile") {
  // 108 units, 128 columns each: 27 x 4 tiles of 256 x 128 fill a wave; four more need a second one.
  const Substrate& s = machine("a100-sxm4-80gb");
  const std::string kernel = "ampere_256x128";
  const std::int64_t k = 8192;
  const auto time = [&](std::int64_t rows) {
    return play_at_clock(one_tile(rows, 512, k, s, kernel), s, {}, s.compute.clock).time.seconds();
  };
  const double full = time(27 * 256), fixed = one_tile(1, 512, k, s, kernel).fixed_seconds;
  const double more = time(27 * 256 + 1);
  CHECK(more - fixed > 1.8 * (full - fixed));
  CHECK(more - fixed < 2.2 * (full - fixed));
  CHECK(time(27 * 256 - 255) == doctest::Approx(full).epsilon(0.05));  // rows of the last tile are free
}

TEST_CASE("twice the depth takes twice the time where the main loop is all there is") {
  for (const std::string& device : kDevices) {
    CAPTURE(device);
    const double ratio = seconds(device, 4096, 8192, 32768) / seconds(device, 4096, 8192, 16384);
    CHECK(ratio > 1.9);
    CHECK(ratio < 2.1);
  }
}

TEST_CASE("one row streams the weights: time beyond the fixed cost is bytes over the rate that kernels reach") {
  for (const std::string& device : kDevices) {
    CAPTURE(device);
    const double bytes = 2.0 * 16384 * 16384;
    const double step = seconds(device, 1, 32768, 16384) - seconds(device, 1, 16384, 16384);
    const double rate = bytes / step;  // of the second half: fixed costs cancel
    CHECK(rate <= machine(device).memory.dram_achieved * 1.001);
    CHECK(rate >= machine(device).memory.dram_achieved * 0.75);
  }
}

TEST_CASE("rows of one decode step share the weights: eight cost hardly more than two") {
  for (const std::string& device : kDevices) {
    CAPTURE(device);
    CHECK(seconds(device, 8, 8192, 8192) < 1.15 * seconds(device, 2, 8192, 8192));
  }
}

TEST_CASE("half the bytes per element is never slower, and at most four times as fast") {
  // fp8 against bf16: half the bytes, twice the multiplies per cycle; two more for the choice of kernel.
  for (const std::string device : {"h100-sxm5-80gb", "h200-sxm-141gb", "b200-sxm-180gb", "l40s-48gb"})
    for (const std::int64_t m : {1, 256, 4096}) {
      CAPTURE(device);
      CAPTURE(m);
      const double half = seconds(device, m, 8192, 8192, "fp8"), full = seconds(device, m, 8192, 8192);
      CHECK(half <= full);
      CHECK(half >= full / 4);
    }
}

TEST_CASE("fp32 runs on the vector pipe: no faster than its lanes") {
  for (const std::string& device : kDevices) {
    CAPTURE(device);
    const Substrate& s = machine(device);
    const double peak = s.compute.pipes.vector * s.compute.units * s.compute.clock;
    const double rate = 2.0 * 2048 * 2048 * 2048 / seconds(device, 2048, 2048, 2048, "fp32");
    CHECK(rate < peak);
    CHECK(rate > 0.4 * peak);
  }
}

TEST_CASE("sums in fp32 take the rate that the machine has for them") {
  const Substrate& s = machine("rtx-3090");
  const double share = s.compute.pipes.tensor.at("fp16").fp32_accumulate;
  const auto time = [&](const char* sums) {
    const GemmSize size{.m = 8192, .n = 8192, .k = 8192, .dtype = "fp16", .accumulate = sums};
    return play_at_clock(lower_gemm(size, s, {}), s, {}, s.compute.clock).time.seconds();
  };
  // Half the rate doubles the time of the multiplies; what does not multiply stays.
  CHECK(time("fp32") / time("fp16") > 0.75 / share);
  CHECK(time("fp32") / time("fp16") <= 1 / share);
}

}  // namespace
}  // namespace sparsesim
