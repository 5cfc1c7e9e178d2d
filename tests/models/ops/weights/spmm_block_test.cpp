// Blocks and column vectors of any size on every machine: padding to the instruction, balance across rows.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "models/compute/player.h"
#include "models/ops/weights/spmm.h"
#include "tests/models/ops/weights/spmm_run.h"

namespace sparsesim {
namespace {

const Substrate& h100() { return machine("h100-sxm5-80gb"); }

SpmmSize units(const std::string& pattern, std::int64_t rows, std::int64_t columns, double sparsity = 0.9) {
  SpmmSize size;
  size.m = 512;
  size.n = size.k = 3840;  // 2^8 3 5
  size.pattern = pattern;
  size.block_n = rows;
  size.block_k = columns;
  size.sparsity = sparsity;
  return size;
}

}  // namespace

TEST_CASE("blocks of 4 to 128, even odd ones, and vectors of any height run on every machine") {
  for (const char* name : {"a100-sxm4-80gb", "rtx-3090", "l40s-48gb", "h100-sxm5-80gb", "b200-sxm-180gb"}) {
    CAPTURE(name);
    for (const std::int64_t side : {4, 5, 8, 12, 16, 32, 48, 64, 128}) {
      CAPTURE(side);
      for (const char* format : {"bsr", "blocked_ell"}) {
        SpmmSize size = units("block", side, side);
        size.format = format;
        const LaunchResult result = run(size, machine(name));
        CHECK(result.counters.issued_macs >= result.counters.useful_macs);
        CHECK(result.time.seconds() >= result.bound_seconds());
      }
      CHECK(run(units("vector", side, 1), machine(name)).time.us() > 0);
    }
    CHECK(run(units("block", 32, 8), machine(name)).time.us() > 0);
  }
}

TEST_CASE("a 4 x 4 block fills a sixteenth of a 16 x 16 instruction, an 8 x 8 block a quarter") {
  for (const auto& [side, waste] : std::map<std::int64_t, double>{{4, 16}, {8, 4}, {16, 1}}) {
    SpmmSize size = units("block", side, side, 0.5);
    size.equal_rows = true;  // no row waits for another
    size.format = "bsr";
    size.kernel = "bsr-any";
    const LaunchResult result = run(size, h100());
    CHECK(result.counters.issued_macs == doctest::Approx(waste * result.counters.useful_macs).epsilon(0.02));
  }
}

TEST_CASE("columns of vectors share an instruction: only their height leaves it empty") {
  for (const auto& [height, waste] : std::map<std::int64_t, double>{{4, 1}, {16, 1}, {64, 1}}) {
    SpmmSize size = units("vector", height, 1, 0.5);
    size.equal_rows = true;
    size.kernel = "vectors-any_16";
    const LaunchResult result = run(size, h100());
    CHECK(result.counters.issued_macs == doctest::Approx(waste * result.counters.useful_macs).epsilon(0.02));
  }
}

TEST_CASE("a kernel written for the block goes before one for any") {
  const auto kernel = [](std::int64_t side) {
    SpmmSize size = units("block", side, side);
    size.format = "bsr";
    return Spmm(size).lower({h100(), {}, 1}).stages.front().launch->kernel;
  };
  CHECK(kernel(32) == "torch-triton-bsr-2.1_32_half");
  CHECK(kernel(48) == "bsr-any");
}

TEST_CASE("Blocked-ELL pads every row to the longest; BSR waits for long rows alone") {
  SpmmSize size = units("block", 48, 48);
  size.m = 16;  // weights are nearly all that moves
  size.mask = equal_row_counts(80, 80, 0.1);
  size.mask.units[7] = 40;  // one row with five times the blocks
  size.format = "blocked_ell";
  const double padded = run(size, h100()).counters.dram_bytes;
  size.format = "bsr";
  const double exact = run(size, h100()).counters.dram_bytes;
  const double block = 48.0 * 48 * 2;
  CHECK(padded - exact == doctest::Approx((80 * 40 - (79 * 8 + 40)) * block).epsilon(0.05));
  SpmmSize even = size;
  even.mask.units[7] = 8;
  CHECK(run(size, h100()).time > run(even, h100()).time);
}

TEST_CASE("what a task issues beside its units counts by the number of tasks, a prologue hides behind other tasks") {
  const auto slower = [](const char* constant, double cycles) {
    Substrate device = machine("a100-sxm4-40gb");
    SpmmSize size = units("block", 8, 8);
    size.m = 2048;  // 15360 tasks of a row and 64 columns, 142 to a unit
    size.equal_rows = true;
    size.kernel = "cusparse_ell_8";
    const double before = microseconds(size, device);
    for (Kernel& kernel : device.kernels)
      if (kernel.name == size.kernel) kernel.constants[constant].value += cycles;
    return (microseconds(size, device) - before) * device.compute.clock * 1e-6;
  };
  const double tasks_of_a_unit = std::ceil(480 * 32 / 108.0);
  CHECK(slower("task_cycles", 1000) == doctest::Approx(1000 * tasks_of_a_unit).epsilon(0.03));
  CHECK(slower("prologue_cycles", 1000) < 1000 * tasks_of_a_unit / 10);
}

TEST_CASE("a larger block costs less for the same weights") {
  double before = 1e9;
  for (const std::int64_t side : {4, 8, 16, 32, 64}) {
    SpmmSize size = units("block", side, side);
    size.format = "bsr";
    size.kernel = "bsr-any";
    const double now = run(size, h100()).time.us();
    CHECK(now < before);
    before = now;
  }
}

TEST_CASE("more zeros never take longer, whatever the block") {
  for (const std::int64_t side : {4, 20, 128}) {
    double before = 1e9;
    for (const double sparsity : {0.5, 0.7, 0.9, 0.97}) {
      const double now = run(units("block", side, side, sparsity), h100()).time.us();
      CHECK(now <= before);
      before = now;
    }
  }
}

TEST_CASE("no kernel streams weights faster than the dense products of its machine: without zeros nothing is gained") {
  for (const char* name : {"a100-sxm4-80gb", "rtx-3090", "l40s-48gb", "h100-sxm5-80gb", "b200-sxm-180gb"}) {
    CAPTURE(name);
    for (const std::int64_t rows : {1, 64}) {
      SpmmSize size = units("block", 32, 32, 0);
      size.m = rows;
      const Launch twin = *Spmm(size).lower_dense({machine(name), {}, 1}).stages.front().launch;
      CHECK(run(size, machine(name)).time.us() >= 0.95 * play(twin, machine(name), {}).time.us());
    }
  }
}

}  // namespace sparsesim
