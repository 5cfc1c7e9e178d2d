#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "models/compute/player.h"
#include "models/ops/attention/attention.h"
#include "models/ops/cores/core.h"
#include "models/ops/cores/core_experts.h"
#include "models/ops/cores/core_gathers.h"
#include "models/ops/cores/core_gemm.h"
#include "models/ops/cores/core_spmm.h"
#include "models/ops/cores/core_tiles.h"
#include "models/ops/dense/gemm.h"

namespace sparsesim {
namespace {

Substrate load(const char* name) {
  return load_substrate(name, SearchPath{{std::string(SPARSESIM_SOURCE_DIR) + "/substrates"}});
}
const Substrate& milan() {
  static const Substrate substrate = load("epyc-milan-2c");
  return substrate;
}
const Substrate& rapids() {
  static const Substrate substrate = load("xeon-sapphire-rapids-2c");
  return substrate;
}

double dense_seconds(std::int64_t m, std::int64_t n, std::int64_t k, const Substrate& substrate,
                     const char* dtype = "fp32") {
  return play(lower_gemm(m, n, k, dtype, substrate, {}), substrate, {}).time.seconds();
}

SpmmSize product(const char* pattern, double sparsity, std::int64_t m) {
  SpmmSize size;
  size.m = m;
  size.n = size.k = 1024;
  size.dtype = "fp32";
  size.pattern = pattern;
  size.sparsity = sparsity;
  return size;
}

double sparse_seconds(const SpmmSize& size, const Substrate& substrate = milan(), const Ideal& ideal = {}) {
  const Launch launch = lower_cores_spmm(size, {substrate, ideal, 1});
  return play(launch, substrate, ideal).time.seconds();
}

const Substrate& turin() {
  static const Substrate substrate = load("epyc-turin-2c");
  return substrate;
}

CoreWork turin_product(std::int64_t k, const char* dtype, double vector_bytes, double narrow_multiplies = 0) {
  DenseLoop loop;
  loop.tile_m = 64;
  loop.tile_n = 6;
  loop.vector_bytes = vector_bytes;
  Core core = core_of(turin());
  core.narrow_multiplies = narrow_multiplies;
  return dense_work({.m = 64, .n = 384, .k = k, .dtype = dtype}, loop, core, {}).multiply;
}

TEST_CASE(
    "a library with kernels for half a register multiplies at half the rate, unless narrow ones come twice as often") {
  const double whole = turin_product(256, "fp32", 0).multiply_cycles;
  CHECK(whole == doctest::Approx(64.0 * 384 * 256 * 2 / 64));
  CHECK(turin_product(256, "fp32", 64).multiply_cycles == doctest::Approx(whole));
  CHECK(turin_product(256, "fp32", 32).multiply_cycles == doctest::Approx(2 * whole));
  CHECK(turin_product(256, "fp32", 32, 4).multiply_cycles == doctest::Approx(whole));
}

TEST_CASE("dot products take the depth of short types by twos and fours: a rest costs a whole step") {
  const double fp32 = turin_product(256, "fp32", 0).multiply_cycles;
  CHECK(turin_product(256, "bf16", 0).multiply_cycles == doctest::Approx(fp32 / 2));
  CHECK(turin_product(256, "int8", 0).multiply_cycles == doctest::Approx(fp32 / 4));
  CHECK(turin_product(255, "bf16", 0).multiply_cycles == doctest::Approx(fp32 / 2));
  CHECK(turin_product(253, "int8", 0).multiply_cycles == doctest::Approx(fp32 / 4));
  CHECK(turin_product(253, "int8", 0).issued_macs == doctest::Approx(64.0 * 384 * 256));
  // Without tiles of a matrix unit, int8 takes at least a quarter of fp32's time on the machine, too.
  CHECK(dense_seconds(256, 1024, 1024, turin(), "int8") > 0.25 * dense_seconds(256, 1024, 1024, turin()));
  CHECK(dense_seconds(256, 1024, 1024, turin(), "int8") < 0.5 * dense_seconds(256, 1024, 1024, turin()));
}

TEST_CASE("a dense row is the product of the library that it names") {
  MeasuredOp row;
  row.op = "gemm";
  row.m = 64;
  row.n = row.k = 1024;
  row.dtype = "fp32";
  row.pattern = "dense";
  const auto kernel = [&](const char* name) {
    row.kernel = name;
    return gemm_from_row(row)->lower({turin(), {}, 1}).stages.front().launch->kernel;
  };
  CHECK(kernel("library:openblas") == "openblas");
  CHECK(kernel("library:onednn") == "onednn");
}

TEST_CASE("single loads of a gather: no more than the ports take, no quicker than vectors come") {
  SparseLoop loop;
  loop.gathers = loop.single_loads = 1;
  const std::vector<std::int32_t> counts(64, 160);
  SparsePart part;
  part.counts = counts;
  part.width = 1;
  Core core = core_of(turin());
  const auto load_cycles = [&](double scalar_loads) {
    core.scalar_loads = scalar_loads;
    return sparse_rows_work(product("unstructured", 0.9, 1), loop, core, {}, part).load_cycles;
  };
  const double vector = core.vector_bytes / core.loads_bytes, units = 64 * 160;
  CHECK(load_cycles(0) - load_cycles(2) == doctest::Approx(units * (2 * vector - 1)));
  CHECK(load_cycles(2) - load_cycles(4) == doctest::Approx(units * (1 - vector)));
  CHECK(load_cycles(4) == doctest::Approx(load_cycles(40)));
}

TEST_CASE("sums in order wait for additions, as the machine makes them") {
  SparseLoop loop;
  loop.gathers = loop.ordered_sums = 1;
  const std::vector<std::int32_t> counts(64, 160);
  SparsePart part;
  part.counts = counts;
  part.width = 1;
  Core core = core_of(milan());
  CHECK(core.add_latency == doctest::Approx(0.75 * core.multiply_latency));
  core.add_latency = 2;
  CHECK(sparse_rows_work(product("unstructured", 0.9, 1), loop, core, {}, part).chain_cycles ==
        doctest::Approx(64 * 160 * 2));
}

TEST_CASE("runs a period apart share sets: usable bytes are ways x lines of the sets that they reach") {
  // 32 KiB of eight ways: addresses 4 KiB apart meet the same set.
  constexpr double kCapacity = 32 * 1024, kWays = 8, kLine = 64;
  CHECK(usable_bytes(kCapacity, kWays, {100, 64, 4096}, kLine) == doctest::Approx(8 * 64));
  CHECK(usable_bytes(kCapacity, kWays, {100, 128, 2048}, kLine) == doctest::Approx(8 * 2 * 2 * 64));
  CHECK(usable_bytes(kCapacity, kWays, {100, 128, 2048 + 64}, kLine) == doctest::Approx(kCapacity));  // padded
  CHECK(usable_bytes(kCapacity, kWays, {1, 64, 4096}, kLine) == doctest::Approx(kCapacity));
}

TEST_CASE("a page's places are met in order: large ways that show no conflict keep it beneath 4 KiB") {
  // 512 KiB, of which no stride of pages finds the ways: runs of two lines every 1 KiB reach an eighth of the sets.
  constexpr double kCapacity = 512 * 1024, kLine = 64;
  CHECK(usable_bytes(kCapacity, 8192, {100, 128, 1024}, kLine) == doctest::Approx(kCapacity / 8));
  CHECK(usable_bytes(kCapacity, 8, {100, 128, 1024}, kLine) == doctest::Approx(kCapacity / 8));
}

/// 64 rows of `units` single weights each, times m activations per column.
CoreWork one_product(SparseLoop loop, std::int64_t m, std::int32_t units) {
  const std::vector<std::int32_t> counts(64, units);
  SparsePart part;
  part.counts = counts;
  part.width = static_cast<double>(m);
  return sparse_rows_work(product("unstructured", 0.9, m), loop, core_of(milan()), {}, part);
}

TEST_CASE("each row costs its instructions; long rows a mispredicted end, short ones none") {
  SparseLoop loop;
  const double before = one_product(loop, 8, 16).issue_cycles;
  loop.row_issue = 60;
  CHECK(one_product(loop, 8, 16).issue_cycles == doctest::Approx(before + 64 * 60 / core_of(milan()).issue));
  // Ends of 32 turns are remembered, of 33 are not: a branch and the load that it waits for, once a row.
  const double miss = milan().compute.pipes.branch_miss + milan().memory.l1_latency;
  const double longer = one_product(loop, 8, 33).serial_cycles, shorter = one_product(loop, 8, 32).serial_cycles;
  const double line =
      2 * waiting_cycles(core_of(milan()), 1024.0 / 2, 1) / 1024;  // more stored units: fewer lines wait
  CHECK(longer - shorter == doctest::Approx(64 * miss).epsilon(0.01 + line / (64 * miss)));
}

TEST_CASE("lines under way are bound by the misses that a core keeps and by the instructions between them") {
  const Core core = core_of(milan());
  const double kept = milan().memory.bytes_in_flight_per_unit / core.line;
  const double latency = milan().memory.dram_latency * milan().compute.clock;
  CHECK(waiting_cycles(core, 100) == doctest::Approx(100 * latency / kept));
  CHECK(waiting_cycles(core, 100, 1, core.window / kept / 2) == doctest::Approx(100 * latency / kept));
  CHECK(waiting_cycles(core, 100, 1, core.window / 4) == doctest::Approx(100 * latency / 4));
  CHECK(waiting_cycles(core, 100, 1, 10 * core.window) == doctest::Approx(100 * latency));  // one at a time
}

TEST_CASE("values that shuffles join take no less than the shuffles") {
  SparseLoop loop;
  loop.expands = 1;
  SpmmSize size = product("2:4", 0.5, 1);
  const std::vector<std::int32_t> counts(64, 512);
  SparsePart part;
  part.counts = counts;
  part.width = 1;
  loop.vector_cycles = 7;  // per eight values
  CHECK(sparse_rows_work(size, loop, core_of(milan()), {}, part).multiply_cycles == doctest::Approx(64 * 512 / 8 * 7));
  loop.vector_cycles = 0;  // then the multiplies bound it
  const double rate = core_of(milan()).multiplies("fp32");
  CHECK(sparse_rows_work(size, loop, core_of(milan()), {}, part).multiply_cycles ==
        doctest::Approx(64 * 512 / 8 / rate));
}

TEST_CASE("rows of units lower than a register cost what deals them out") {
  SparseLoop loop;
  SpmmSize size = product("vector", 0.9, 1);
  size.block_n = 4;
  const std::vector<std::int32_t> counts(64, 16);
  SparsePart part;
  part.counts = counts;
  part.width = 1;
  const double before = sparse_rows_work(size, loop, core_of(milan()), {}, part).serial_cycles;
  loop.flat_row_cycles = 100;
  CHECK(sparse_rows_work(size, loop, core_of(milan()), {}, part).serial_cycles == doctest::Approx(before + 64 * 100));
  size.block_n = 8;  // a register high
  const double tall = sparse_rows_work(size, loop, core_of(milan()), {}, part).serial_cycles;
  loop.flat_row_cycles = 0;
  CHECK(sparse_rows_work(size, loop, core_of(milan()), {}, part).serial_cycles == doctest::Approx(tall));
}

TEST_CASE("results in memory cost a store and a load per weight and vector: never faster than in registers") {
  SparseLoop loop;
  loop.panel_vectors = 8;
  const CoreWork kept = one_product(loop, 64, 16);
  loop.memory_issue = 6;
  loop.forward_cycles = 8;
  const CoreWork stored = one_product(loop, 64, 16);
  const Core core = core_of(milan());
  CHECK(busy_cycles(stored, core) > busy_cycles(kept, core));
  CHECK(stored.multiply_cycles == doctest::Approx(kept.multiply_cycles));
  // Each weight waits until the one before has stored its sums: the multiply-add and the way through the store queue.
  CHECK(stored.chain_cycles == doctest::Approx(64 * 16 * (core.multiply_latency + 8)));
  CHECK(stored.issue_cycles == doctest::Approx(64 * 16 * 8 * 6 / core.issue));
}

TEST_CASE("sums in order wait for each addition") {
  SparseLoop loop;
  const double before = one_product(loop, 1, 16).chain_cycles;
  loop.ordered_sums = 1;
  CHECK(one_product(loop, 1, 16).chain_cycles ==
        doctest::Approx(before + 64 * 16 * 0.75 * core_of(milan()).multiply_latency));
}

TEST_CASE("operands are copied where the product repays it; weights read in place arrive beside nothing") {
  const Core core = core_of(milan());
  DenseLoop loop;
  loop.tile_m = 24, loop.tile_n = 4;
  loop.weight_pack_cycles = loop.activation_pack_cycles = 0.2;
  loop.least_m = 2;
  loop.copies_below = 1.0 / 64;  // 1/m + 1/n
  const auto work = [&](std::int64_t m, std::int64_t n) {
    return dense_work({.m = m, .n = n, .k = 256, .dtype = "fp32"}, loop, core, {});
  };
  CHECK(work(129, 129).pack.load_cycles > 0);
  CHECK(work(128, 128).pack.load_cycles == 0);
  // Read in place: the bytes of the weights over what a core draws from memory, not hidden by the loop.
  const CoreWork direct = work(8, 512).multiply;
  CHECK(direct.waited_bytes == doctest::Approx(512 * 256 * 4));
  CHECK(direct.serial_cycles == doctest::Approx(512 * 256 * 4 / milan().memory.dram_unit * milan().compute.clock));
  CHECK(work(512, 512).multiply.waited_bytes == 0);
}

TEST_CASE("shares of levels add up to one, and a footprint moves outwards as it grows") {
  const Core core = core_of(milan());
  double near = 1;
  for (double bytes = 1024; bytes < 1e9; bytes *= 3) {
    for (const bool in_turn : {false, true}) {
      const Residence where =
          in_turn ? residence_in_turn(core, {1, bytes, 0}, 0, 2) : residence(core, {1, bytes, 0}, 0, 2);
      CHECK(where.l1 + where.mid + where.shared + where.dram == doctest::Approx(1));
      for (const double share : {where.l1, where.mid, where.shared, where.dram}) CHECK(share >= -1e-12);
    }
    const double l1 = residence(core, {1, bytes, 0}, 0, 2).l1;
    CHECK(l1 <= near + 1e-12);
    near = l1;
  }
  CHECK(near < 1e-3);
}

TEST_CASE("ports at work together: never shorter than the longest, never longer than all in a row") {
  const Core core = core_of(milan());
  CoreWork work;
  work.multiply_cycles = 100;
  CHECK(busy_cycles(work, core) == doctest::Approx(100));
  work.load_cycles = work.issue_cycles = 100;
  CHECK(busy_cycles(work, core) > 100);
  CHECK(busy_cycles(work, core) < 300);
  work.serial_cycles = 50;
  CoreWork without = work;
  without.serial_cycles = 0;
  CHECK(busy_cycles(work, core) == doctest::Approx(busy_cycles(without, core) + 50));
}

TEST_CASE("dense products take no less than their multiplies and than their weights from memory") {
  const double peak = milan().compute.units * milan().compute.clock * milan().compute.pipes.vector;
  for (const std::int64_t m : {1, 8, 64, 512}) {
    const double seconds = dense_seconds(m, 2048, 2048, milan());
    CHECK(seconds >= 2.0 * static_cast<double>(m) * 2048 * 2048 / peak);
    CHECK(seconds >= 4.0 * 2048 * 2048 / milan().memory.dram_achieved);
  }
  // A vector waits for its weights alone: within a tenth of the stream.
  CHECK(dense_seconds(1, 4096, 4096, milan()) < 1.1 * 4.0 * 4096 * 4096 / milan().memory.dram_achieved);
}

TEST_CASE("fewer stored weights never take longer; a vector of activations is bound by the stored bytes") {
  double last = 1;
  for (const double sparsity : {0.5, 0.7, 0.9, 0.99}) {
    const double seconds = sparse_seconds(product("unstructured", sparsity, 64));
    CHECK(seconds < last);
    last = seconds;
  }
  const double bytes = 0.5 * 1024 * 1024 * 8;  // a value and its number
  CHECK(sparse_seconds(product("unstructured", 0.5, 1)) >= 0.98 * bytes / milan().memory.dram_achieved);
}

TEST_CASE("rows of activations at a power of two conflict: a little more width is faster") {
  SpmmSize aligned = product("unstructured", 0.9, 512), padded = product("unstructured", 0.9, 520);
  CHECK(sparse_seconds(padded) < sparse_seconds(aligned));
}

TEST_CASE("indices that cost nothing never slow a product") {
  Ideal ideal;
  ideal.metadata = true;
  for (const std::int64_t m : {1, 64})
    CHECK(sparse_seconds(product("unstructured", 0.8, m), milan(), ideal) <=
          sparse_seconds(product("unstructured", 0.8, m)));
}

TEST_CASE("a product of tiles costs its rows of weights or the floor") {
  const Core core = core_of(rapids());
  CHECK(tile_product_cycles(core, "bf16", 16) == doctest::Approx(16.2).epsilon(0.01));
  CHECK(tile_product_cycles(core, "bf16", 4) == doctest::Approx(9.5));
  CHECK(has_matrix_tiles(core, "bf16"));
  CHECK_FALSE(has_matrix_tiles(core, "fp32"));
}

double attention_seconds(std::int64_t window) {
  AttentionSize size;
  size.queries = size.keys = 2048;
  size.heads = size.kv_heads = 4;
  size.head_dim = 64;
  size.dtype = "fp32";
  size.window = window;
  const Program program = Attention(size).lower({milan(), {}, 1});
  return play(*program.stages.front().launch, milan(), {}).time.seconds();
}

TEST_CASE("attention follows its tiles of keys: a window of all keys is dense, a narrow one costs its share") {
  const double dense = attention_seconds(0);
  CHECK(attention_seconds(2048) == doctest::Approx(dense));
  // 64 queries see 256 keys before them and a triangle: 5 of on average 16.5 tiles.
  CHECK(attention_seconds(256) < 0.4 * dense);
  CHECK(attention_seconds(256) > 5.0 / 16.5 * dense * 0.8);
}

TEST_CASE("experts without rows cost nothing; rows on one expert read one expert's weights") {
  const auto seconds = [](std::vector<std::int64_t> counts) {
    const ExpertProducts products{std::move(counts), 512, 512, "fp32", ""};
    return play(lower_cores_products(products, milan(), {}), milan(), {}).time.seconds();
  };
  CHECK(seconds({64}) == doctest::Approx(seconds({64, 0, 0, 0})));
  CHECK(seconds({16, 16, 16, 16}) > seconds({64, 0, 0, 0}));
}

TEST_CASE("popular rows are found in the caches: skew makes bags no slower") {
  BagSize size;
  size.rows = 200000;
  size.dim = 64;
  size.bags = 256;
  size.pooling = 32;
  size.dtype = "fp32";
  const auto seconds = [&](double skew) {
    size.skew = skew;
    return play(lower_cores_bags(size, milan(), {}), milan(), {}).time.seconds();
  };
  CHECK(seconds(1) < seconds(0));
  const double lookups = 256 * 32, bytes = lookups * 64 * 4;
  CHECK(seconds(0) >= bytes / milan().memory.dram_achieved);
}

TEST_CASE("what the library lacks is refused in one line") {
  SpmmSize transposed = product("unstructured", 0.9, 64);
  transposed.transposed = true;
  CHECK_THROWS_AS(sparse_seconds(transposed), UnsupportedError);
  CHECK_THROWS_AS(dense_seconds(64, 64, 64, milan(), "bf16"), UnsupportedError);
  Kernel kernel = *core_kernels(milan(), "cores_spmm", "unstructured", "fp32", "").front();
  kernel.constants["no_such"] = Quantity{};
  CHECK_THROWS_AS(sparse_loop(kernel), UnsupportedError);
}

}  // namespace
TEST_CASE(
    "a product eight times as deep takes eight times as long: libraries cut the depth into blocks that stay near") {
  const auto seconds = [](const std::string& dtype, std::int64_t k) {
    const GemmSize size{.m = 1024, .n = 1024, .k = k, .dtype = dtype};
    const Launch launch = lower_cores_gemm(size, rapids(), {});
    return play(launch, rapids(), {}).time.seconds();
  };
  for (const char* dtype : {"bf16", "int8", "fp32"}) {
    CAPTURE(dtype);
    CHECK(seconds(dtype, 114688) == doctest::Approx(8 * seconds(dtype, 14336)).epsilon(0.03));
  }
}

}  // namespace sparsesim
