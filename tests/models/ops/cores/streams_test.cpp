// What streams beside loops on cores, and what has nothing beside it.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "models/ops/cores/core.h"
#include "models/ops/cores/core_gemm.h"
#include "models/ops/cores/core_spmm.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

const Substrate& zen5() {
  static const Substrate substrate = machine("epyc-turin-2c");
  return substrate;
}

/// One task of a product with all of 1024 x 1024 weights stored, in units so high and wide: no first read is at random.
CoreWork rows_work(std::int64_t m, std::int64_t unit, double fetches_ahead, double copies = 0) {
  SpmmSize size;
  size.m = m;
  size.n = size.k = 1024;
  size.dtype = "fp32";
  size.block_n = size.block_k = unit;
  SparseLoop loop;
  loop.panel_vectors = loop.rows_most = 4;
  loop.fetches_ahead = fetches_ahead;
  loop.copies = copies;
  const std::vector<std::int32_t> counts(static_cast<std::size_t>(1024 / unit), static_cast<std::int32_t>(1024 / unit));
  SparsePart part;
  part.counts = counts;
  part.width = static_cast<double>(std::min<std::int64_t>(m, 64));
  return sparse_rows_work(size, loop, core_of(zen5()), {}, part);
}

double clock_cycles(double seconds) { return seconds * zen5().compute.clock; }

}  // namespace

TEST_CASE("a panel read in order arrives at a core's stream, or where its rows lie apart line by line") {
  const Core core = core_of(zen5());
  const double panel = 64 * 1024 * 4;
  const auto pass = [](std::int64_t m) { return rows_work(m, 4, 1).serial_cycles - rows_work(m, 4, 0).serial_cycles; };
  const double streamed = clock_cycles(panel / zen5().memory.dram_unit * core.distance);
  CHECK(pass(64) == doctest::Approx(streamed));
  const double apart = clock_cycles(panel / core.line * zen5().memory.dram_next_line);
  CHECK(pass(256) == doctest::Approx(std::max(streamed, apart)));
  CHECK(rows_work(64, 4, 1).waited_bytes == doctest::Approx(panel));
}

TEST_CASE("tiles meet a copied panel as if it were all there is, however far apart its rows lay") {
  const double alone = rows_work(64, 4, 1).load_cycles;
  CHECK(rows_work(512, 4, 1).load_cycles > 1.05 * alone);  // rows 2 KB apart: an eighth of the sets
  for (const std::int64_t m : {64, 65, 256, 512, 1000}) {
    CHECK(rows_work(m, 4, 1, 1).load_cycles == doctest::Approx(alone));
    CHECK(rows_work(m, 4, 1, 1).serial_cycles == doctest::Approx(rows_work(m, 4, 1).serial_cycles));
  }
}

TEST_CASE("weights that all tiles ask for stream beside all of the loop; others beside the first tile of a row") {
  CHECK(rows_work(64, 16, 1).apart_cycles == 0);
  const CoreWork found = rows_work(64, 16, 0);  // four tiles of four rows
  CHECK(found.apart_cycles == doctest::Approx(0.75 * found.multiply_cycles));
  CHECK(rows_work(64, 4, 0).apart_cycles == 0);  // one tile
}

TEST_CASE("reads in turn lose a footprint a third larger than the cache; at random they keep what has room") {
  const Core core = core_of(zen5());
  const double cache = core.substrate.memory.l1_bytes;
  CHECK(residence_in_turn(core, {1, cache, 0}, 0, 1).l1 == doctest::Approx(1));
  CHECK(residence_in_turn(core, {1, cache * 4 / 3, 0}, 0, 1).l1 == doctest::Approx(0));
  CHECK(residence(core, {1, cache * 4 / 3, 0}, 0, 1).l1 == doctest::Approx(0.75));
}

TEST_CASE("weights in blocks of the library's own come from memory beside the first rows that meet them") {
  const Core core = core_of(zen5());
  DenseLoop loop;
  loop.tile_m = 64;
  loop.tile_n = 6;
  const auto share = [&](std::int64_t m) {
    const CoreWork work = dense_work({.m = m, .n = 768, .k = 512, .dtype = "fp32"}, loop, core, {}).multiply;
    return work.apart_cycles / work.multiply_cycles;
  };
  CHECK(share(6) == doctest::Approx(0));
  CHECK(share(8) == doctest::Approx(1 - 1 / 2.0));
  CHECK(share(60) == doctest::Approx(1 - 1 / 10.0));
  loop.weight_pack_cycles = 0.2;  // copied before: nothing of them streams
  CHECK(share(60) == 0);
}

TEST_CASE("rounds through a footprint: few reads hit by its share of the cache, all of them in turn or not at all") {
  const Core core = core_of(zen5());
  const double l1 = zen5().memory.l1_bytes;
  const auto hits = [&](double footprint, double share) { return residence(core, {1, footprint, 0}, 0, 1, share).l1; };
  for (const double footprint : {0.5 * l1, 1.2 * l1, 1.7 * l1, 3 * l1, 20 * l1}) {
    CHECK(hits(footprint, 1e-6) == doctest::Approx(std::min(1.0, l1 / footprint)).epsilon(1e-3));
    CHECK(hits(footprint, 1) == doctest::Approx(residence_in_turn(core, {1, footprint, 0}, 0, 1).l1));
    for (const double share : {0.9, 0.5, 0.2, 0.05}) CHECK(hits(footprint, share) <= hits(footprint, 0) + 1e-12);
  }
  // Half of the footprint in each round: reads of the round before are gone where half of it exceeds the cache by more
  // than a third.
  CHECK(hits(4 * l1, 0.5) == 0);
  // A quarter of it, in a cache of 0.3: hit by those of the round before, a quarter, and no others.
  CHECK(hits(l1 / 0.3, 0.25) == doctest::Approx(0.25));
}

}  // namespace sparsesim
