// Formats, qualities and directions of sparse products: bytes by hand, bounds, and what each costs against the others.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "models/compute/player.h"
#include "models/ops/weights/spmm.h"
#include "models/ops/weights/spmm_kernels.h"
#include "tests/models/ops/weights/spmm_run.h"

namespace sparsesim {
namespace {

constexpr std::int64_t kSide = 4096;

SpmmSize weights(const std::string& format, double sparsity, std::int64_t m) {
  SpmmSize size;
  size.m = m;
  size.n = size.k = kSide;
  size.pattern = "unstructured";
  size.format = format;
  size.sparsity = sparsity;
  return size;
}

double stored(const SpmmSize& size) { return static_cast<double>(size.row_counts(1).total()); }

}  // namespace

TEST_CASE("bytes of each format, by hand: values, places, offsets, bits") {
  // One row of activations, so that weights are nearly all that moves. Values of 2 bytes.
  struct Case {
    const char* format;
    const char* kernel;
    double per_stored, per_place, per_row;
  };
  for (const Case& c :
       {Case{"csr", "spmv", 2 + 4, 0, 4}, Case{"csr", "sputnik", 2 + 2, 0, 4}, Case{"coo", "", 2 + 4 + 4, 0, 0},
        Case{"tiled", "", 2 + 2, 0, 0}, Case{"bitmap", "", 2, 1. / 8, 0}}) {
    SpmmSize size = weights(c.format, 0.9, 1);
    size.kernel = c.kernel;
    CAPTURE(c.format);
    const double operands = stored(size) * c.per_stored + kSide * (kSide * c.per_place + c.per_row);
    const double others = 2 * kSide * 2;  // the row of activations and the row of results
    CHECK(run(size).counters.dram_bytes == doctest::Approx(operands + others).epsilon(0.02));
  }
}

TEST_CASE("places of 8 bits count from the unit before: half the bytes, until zeros outnumber 255") {
  const SpmmConstants kernel;
  const auto bytes = [&](int bits, double density) {
    SpmmSize size = weights("csr", 1 - density, 1);
    size.index_bits = bits;
    return unit_bytes(size, kernel, density, {});
  };
  CHECK(bytes(32, 0.1) == 2 + 4);
  CHECK(bytes(16, 0.1) == 2 + 2);
  CHECK(bytes(8, 0.1) == doctest::Approx(2 + 1));
  // One in 255: fillers are 1 / (1 - (1 - 1/255)^255) of the units, nearly e / (e - 1).
  CHECK(bytes(8, 1. / 255) == doctest::Approx(3 * std::exp(1) / (std::exp(1) - 1)).epsilon(0.002));
}

TEST_CASE("one row of activations is bound by the bytes of values and places") {
  for (const char* name : {"a100-sxm4-80gb", "rtx-3090", "l40s-48gb", "h100-sxm5-80gb", "b200-sxm-180gb"}) {
    CAPTURE(name);
    SpmmSize size = weights("csr", 0.8, 1);
    size.n = size.k = 16384;
    size.kernel = "spmv";
    const double bytes = stored(size) * 6;
    const double bound = bytes / machine(name).memory.dram_achieved * 1e6;
    const LaunchResult result = run(size, machine(name));
    CHECK(result.time.us() >= bound);
    CHECK(result.time.us() <= 1.35 * bound + 10);
    CHECK(result.bound() == DeviceResource::dram);
  }
}

TEST_CASE("half of the weights with places as wide as values are no fewer bytes than all of them") {
  SpmmSize size = weights("csr", 0.5, 1);
  size.kernel = "spmv";
  size.index_bits = 16;
  const Launch twin = *Spmm(size).lower_dense({a100(), {}, 1}).stages.front().launch;
  CHECK(run(size).counters.dram_bytes >= 0.99 * play(twin, a100(), {}).counters.dram_bytes);
}

TEST_CASE("qualities differ where the kernel is the bound: tuned, library, naive") {
  for (const char* name : {"a100-sxm4-80gb", "h100-sxm5-80gb", "rtx-3090"}) {
    CAPTURE(name);
    SpmmSize size = weights("csr", 0.9, 512);
    const auto of_quality = [&](const char* quality) {
      size.quality = quality;
      return microseconds(size, machine(name));
    };
    const double tuned = of_quality("tuned"), library = of_quality("library"), naive = of_quality("naive");
    CHECK(tuned <= library);
    CHECK(library < naive);
  }
}

TEST_CASE("nobody takes the naive kernel unasked") {
  SpmmSize size = weights("csr", 0.9, 64);
  CHECK(lowered(size).kernel != "csr-warp");
  size.quality = "naive";
  CHECK(lowered(size).kernel == "csr-warp");
}

TEST_CASE("the fastest of all formats is no slower than any of them") {
  const double best = microseconds(weights("", 0.9, 128));
  for (const char* format : {"csr", "coo", "bitmap", "tiled"}) CHECK(best <= microseconds(weights(format, 0.9, 128)));
}

TEST_CASE("more zeros never take longer in bitmaps: what is tuned for few rows starts no second wave for nothing") {
  for (const std::int64_t rows : {1, 16, 64}) {
    CAPTURE(rows);
    double before = 1e9;
    for (const double sparsity : {0.5, 0.8, 0.85, 0.9, 0.99}) {
      const double now = microseconds(weights("bitmap", sparsity, rows));
      CHECK(now <= 1.01 * before);
      before = now;
    }
  }
}

TEST_CASE("equal shares of units know no long rows: COO takes a skewed mask as an even one, CSR waits") {
  SpmmSize even = weights("coo", 0.9, 64), skewed = even;
  even.mask = equal_row_counts(kSide, kSide, 0.1);
  skewed.mask = even.mask;
  for (std::size_t row = 0; row < kSide; row += 2) {  // every second row gives all it has to the one after
    skewed.mask.units[row + 1] *= 2;
    skewed.mask.units[row] = 0;
  }
  CHECK(microseconds(skewed) == microseconds(even));
  even.format = skewed.format = "csr";
  even.kernel = skewed.kernel = "cusparse-csr";
  CHECK(microseconds(skewed) > 1.2 * microseconds(even));
}

TEST_CASE("walking by inputs adds every unit's sums in L2: 4 bytes per unit and row of activations, twice") {
  SpmmSize size = weights("csc", 0.9, 64);
  const double units = static_cast<double>(size.column_counts(1).total());
  const LaunchResult result = run(size);
  const double sums = 2 * units * 64 * 4, cleared_and_left = 2 * 64.0 * kSide * 4;
  const double read = units * 6 + 64.0 * kSide * 2;
  CHECK(result.counters.l2_bytes == doctest::Approx(sums + cleared_and_left + read).epsilon(0.01));
  CHECK(result.counters.useful_macs == doctest::Approx(units * 64));
}

TEST_CASE("the transpose of CSR is walked as CSC, that of a second copy in CSC as CSR") {
  SpmmSize csr = weights("csr", 0.9, 64), csc = weights("csc", 0.9, 64);
  const Launch by_rows = lowered(csr), by_columns = lowered(csc);
  csr.transposed = csc.transposed = true;
  CHECK(lowered(csr).kernel == by_columns.kernel);
  CHECK(lowered(csc).kernel == by_rows.kernel);
  CHECK(microseconds(csr) > microseconds(csc));
}

TEST_CASE("a mask counts the rows of the stored weights, of CSC their columns: no other way is walked") {
  SpmmSize size = weights("csr", 0.9, 64);
  size.n = 1024;
  size.transposed = true;
  size.mask = equal_row_counts(kSide, 1024, 0.1);  // stored: k rows of n columns
  const double stored_weights = static_cast<double>(size.mask.total());
  CHECK(run(size).counters.useful_macs == doctest::Approx(stored_weights * 64));
  CHECK_THROWS_AS(size.row_counts(1), UnsupportedError);
  size.format = "csc";
  size.transposed = false;  // the columns of stored [n, k] weights are the same k inputs
  CHECK(run(size).counters.useful_macs == doctest::Approx(stored_weights * 64));
  CHECK(Spmm(size).sparsity({a100(), {}, 1}).declared == doctest::Approx(0.9).epsilon(0.01));
}

TEST_CASE("tiles that are unpacked before they are multiplied do not mind the transpose") {
  SpmmSize size = weights("bitmap", 0.8, 16);
  const double straight = microseconds(size);
  size.transposed = true;
  CHECK(microseconds(size) == straight);
}

TEST_CASE("4-bit values: places outweigh them, bits weigh least") {
  const auto bytes = [&](const char* format, int index_bits) {
    SpmmSize size = weights(format, 0.8, 1);
    size.dtype = "int4xfp16";
    size.index_bits = index_bits;
    return run(size).counters.dram_bytes;
  };
  const double stored_units = stored(weights("csr", 0.8, 1));
  CHECK(bytes("csr", 16) == doctest::Approx(stored_units * 2.5 + kSide * 4).epsilon(0.03));
  CHECK(bytes("csr", 8) == doctest::Approx(stored_units * 1.5 + kSide * 4).epsilon(0.03));
  CHECK(bytes("bitmap", 0) == doctest::Approx(stored_units * 0.5 + kSide * kSide / 8.0).epsilon(0.03));
}

TEST_CASE("the dense twin of 4-bit weights has 4-bit weights") {
  SpmmSize size = weights("bitmap", 0.8, 1);
  size.dtype = "int4xfp16";
  const Launch twin = *Spmm(size).lower_dense({a100(), {}, 1}).stages.front().launch;
  CHECK(play(twin, a100(), {}).counters.dram_bytes == doctest::Approx(kSide * kSide / 2.0).epsilon(0.02));
}

}  // namespace sparsesim
