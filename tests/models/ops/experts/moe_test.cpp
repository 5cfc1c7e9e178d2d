#include "models/ops/experts/moe.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <string>

#include "models/evaluate/program_player.h"
#include "models/ops/experts/moe_kernels.h"
#include "models/ops/experts/moe_tiles.h"
#include "tests/support/machines.h"

using namespace sparsesim;

namespace {

MoeSpec small(std::int64_t tokens) {
  MoeSpec spec;
  spec.tokens = tokens;
  spec.hidden = 2048;
  spec.intermediate = 768;
  spec.experts = 64;
  spec.top_k = 4;
  return spec;
}

LowerContext on(const std::string& name, Ideal ideal = {}) { return {machine(name), ideal, 1}; }

double microseconds(const Program& program, const Substrate& substrate, const Ideal& ideal = {}) {
  double time = 0;
  for (const Stage& stage : program.stages) time += play(*stage.launch, substrate, ideal).time.us();
  return time;
}

double sum_macs(const Program& program, double TaskShape::*kind) {
  double macs = 0;
  for (const Stage& stage : program.stages)
    if (stage.launch)
      for (const Task& task : stage.launch->tasks) macs += stage.launch->shapes[task.shape].*kind;
  return macs;
}
double useful_macs(const Program& program) { return sum_macs(program, &TaskShape::useful_macs); }
double issued_macs(const Program& program) { return sum_macs(program, &TaskShape::issued_macs); }

}  // namespace

TEST_CASE("multiply-adds are tokens * top_k * three projections, whatever the routing, tiles and devices") {
  for (const char* routing : {"balanced", "power_law:1.2", "zipf:1", "uniform"})
    for (std::int64_t tokens : {1, 7, 300, 5000})
      for (int devices : {1, 4}) {
        MoeSpec spec = small(tokens);
        spec.routing = parse_routing(routing);
        spec.devices = devices;
        CAPTURE(routing);
        CAPTURE(tokens);
        CHECK(useful_macs(MoeFfn(spec).lower(on("h100-sxm5-80gb"))) ==
              doctest::Approx(static_cast<double>(tokens) * 4 * 3 * 2048 * 768));
      }
}

TEST_CASE("one expert does the work of the dense twin and only adds its own kernels") {
  MoeSpec spec = small(4096);
  spec.experts = spec.top_k = 1;
  const MoeFfn op(spec);
  const LowerContext context = on("a100-sxm4-80gb");
  CHECK(useful_macs(op.lower(context)) == doctest::Approx(useful_macs(op.lower_dense(context))));
  CHECK(op.sparsity(context).declared == 0);
  // Slower by the routing kernels and the compiler's main loop, which reaches 0.6 of the matrix rate: at most 3 times.
  const double ratio =
      microseconds(op.lower(context), context.substrate) / microseconds(op.lower_dense(context), context.substrate);
  CHECK(ratio >= 1.0);
  CHECK(ratio < 3.0);
}

TEST_CASE("few tokens read the weights of the experts they touch, no more") {
  MoeSpec spec = small(1);
  spec.experts = 256;
  const double expert_bytes = 3.0 * 2048 * 768 * 2;
  const LowerContext context = on("h100-sxm5-80gb");
  for (std::int64_t tokens : {1, 2, 8}) {
    spec.tokens = tokens;
    double bytes = 0;
    for (const Stage& stage : MoeFfn(spec).lower(context).stages)
      bytes += play(*stage.launch, context.substrate, {}).counters.dram_bytes;
    const double weights = static_cast<double>(tokens) * 4 * expert_bytes;
    CHECK(bytes >= weights);
    CHECK(bytes < 1.1 * weights);
  }
}

TEST_CASE("weight-bound: more tokens of one tile never take less time, and time stays above the weights' transfer") {
  const LowerContext context = on("h100-sxm5-80gb");
  double before = 0;
  for (std::int64_t tokens : {1, 2, 4, 8, 16, 32}) {
    const double time = microseconds(MoeFfn(small(tokens)).lower(context), context.substrate);
    const double touched = std::min<double>(64, static_cast<double>(tokens) * 4);
    CHECK(time >= touched * 3 * 2048 * 768 * 2 / context.substrate.memory.dram_peak * 1e6);
    CHECK(time >= before * 0.999);
    before = time;
  }
}

TEST_CASE("skew that touches fewer experts is faster for few tokens") {
  MoeSpec even = small(16), skewed = small(16);
  skewed.routing.kind = Routing::Kind::counts;
  skewed.routing.counts.assign(64, 0);
  std::fill_n(skewed.routing.counts.begin(), 4, 16);  // all tokens to the same four of 64
  const LowerContext context = on("a100-sxm4-80gb");
  CHECK(microseconds(MoeFfn(skewed).lower(context), context.substrate) <
        0.5 * microseconds(MoeFfn(even).lower(context), context.substrate));
}

TEST_CASE("dispatch and combine carry each row that leaves its device once, there and back") {
  MoeSpec spec = small(512);
  spec.devices = 4;
  spec.overlap_chunks = 2;
  double there = 0, back = 0;
  for (const Stage& stage : MoeFfn(spec).lower(on("h100-sxm5-80gb")).stages) {
    if (stage.type != Stage::Type::exchange) continue;
    const double sum = std::accumulate(stage.exchange.bytes.begin(), stage.exchange.bytes.end(), 0.0);
    (stage.exchange.name == "moe_dispatch" ? there : back) += sum;
  }
  // 512 * 4 rows of 2048 bf16, three quarters of which live on another device.
  CHECK(there == doctest::Approx(512.0 * 4 * 2048 * 2 * 0.75));
  CHECK(back == doctest::Approx(there));
}

TEST_CASE("capacity: what is dispatched is combined or dropped, and padding adds issued but no useful work") {
  MoeSpec spec = small(1000);
  spec.routing = parse_routing("power_law:1.2");
  spec.capacity_factor = 1.25;
  spec.kernel = "vllm_fused_moe";  // tiles of 64 rows here
  const LowerContext context = on("a100-sxm4-80gb");
  const MoeFfn drop(spec);
  const Capacity capacity = drop.capacity(context);
  const auto combined = std::accumulate(capacity.counts.begin(), capacity.counts.end(), std::int64_t{0});
  CHECK(capacity.dropped > 0);
  CHECK(combined + capacity.dropped == 4000);
  CHECK(capacity.rows == std::llround(std::ceil(1.25 * 4000 / 64)));
  spec.capacity_pads = true;
  const MoeFfn pad(spec);
  CHECK(useful_macs(pad.lower(context)) == doctest::Approx(useful_macs(drop.lower(context))));
  // Every expert multiplies its full buffer of 79 rows, two tiles of 64; without padding most need one.
  CHECK(issued_macs(pad.lower(context)) == doctest::Approx(64.0 * 2 * 64 * 3 * 2048 * 768));
  CHECK(issued_macs(drop.lower(context)) < issued_macs(pad.lower(context)));
  CHECK(pad.sparsity(context).aligned_dispatch <= drop.sparsity(context).aligned_dispatch);
}

TEST_CASE("one token touches top_k experts alone: all of the others is skipped, in memory and in tiles") {
  const SparsitySummary one = MoeFfn(small(1)).sparsity(on("a100-sxm4-80gb"));
  CHECK(one.declared == doctest::Approx(60.0 / 64));
  CHECK(one.aligned_cache == doctest::Approx(1));
  CHECK(one.aligned_dispatch == doctest::Approx(1));
  // 16 tokens fill a row of each of the 64 experts: a tile of 16 rows each, as the dense layer's.
  CHECK(MoeFfn(small(16)).sparsity(on("a100-sxm4-80gb")).aligned_dispatch == doctest::Approx(0));
}

TEST_CASE("tiles: fallback rules of both generations and the nearest tuned entry") {
  CHECK(default_moe_tile(MoeTileRule::experts, 64, 64).m == 16);
  CHECK(default_moe_tile(MoeTileRule::experts, 65, 64).m == 64);
  CHECK(default_moe_tile(MoeTileRule::tokens, 32, 64).m == 16);
  CHECK(default_moe_tile(MoeTileRule::tokens, 33, 64).m == 32);
  CHECK(default_moe_tile(MoeTileRule::tokens, 513, 64).m == 128);
  // E=8, N=1792 on A100: tuned 128x128x64 from 2560 tokens on, between its entries at 2048 and 3072.
  CHECK(choose_moe_tile("a100-sxm4-80gb", MoeTileRule::experts, 2560, 8, 1792).n == 256);
  CHECK(choose_moe_tile("a100-sxm4-80gb", MoeTileRule::experts, 2561, 8, 1792).n == 128);
}

TEST_CASE("experts: bad sizes and parameters are refused by name") {
  MoeSpec spec = small(8);
  spec.top_k = 65;
  CHECK_THROWS_AS(MoeFfn{spec}, UnsupportedError);
  MeasuredOp row;
  row.m = row.n = row.k = 64;
  row.dtype = "bf16";
  row.params = {{"experts", "8x"}, {"top_k", "2"}};
  CHECK_THROWS_WITH_AS(moe_from_row(row), doctest::Contains("experts=8x"), UnsupportedError);
}

TEST_CASE("measured rows: a framework's experts in fp8 make what they multiply fp8, before each product") {
  const auto names = [](const char* kernel) {
    MeasuredOp row;
    row.m = 64;
    row.n = row.k = 2048;
    row.dtype = "fp8";
    row.kernel = kernel;
    row.params = {{"experts", "8"}, {"top_k", "2"}, {"routing", "balanced"}};
    std::string all;
    for (const Stage& stage : moe_from_row(row)->lower(on("h100-sxm5-80gb")).stages)
      if (stage.launch) all += stage.launch->name + " ";
    return all;
  };
  CHECK(names("library:vllm_fused_moe").find("moe_quantise moe_up moe_activation moe_quantise moe_down") !=
        std::string::npos);
  CHECK(names("library:other").find("moe_quantise") == std::string::npos);
}

TEST_CASE("grouped product: a kernel is named by its beginning; another one stands in for measured rows alone") {
  const Substrate& h100 = machine("h100-sxm5-80gb");
  CHECK(find_grouped_kernel(h100, "vllm_fused_moe", "bf16").name == "vllm_fused_moe");
  CHECK(find_grouped_kernel(h100, "vllm_un", "bf16").name == "vllm_unquantizedfusedmoe_triton_tritonexperts");
  CHECK_THROWS_AS(find_grouped_kernel(h100, "nobody", "bf16"), UnsupportedError);
  CHECK(find_grouped_kernel(h100, "nobody", "bf16", true).op == "grouped_gemm");
}

TEST_CASE("grouped product: rows beyond the near side of L2 cost more at its port, a cache of one side costs nothing") {
  const auto l2_bytes = [](Substrate substrate, double partitions, double source_rows) {
    substrate.memory.l2_partitions.value = partitions;
    GroupedSize size;
    size.counts = {4096};
    size.n = 512;
    size.k = 4096;
    size.source_rows = source_rows;
    const Kernel& kernel = find_grouped_kernel(substrate, "vllm_fused_moe", "bf16");
    const Launch launch = lower_grouped(size, {64, 64, 32, 8, 4, 3}, kernel, substrate, {});
    return play(launch, substrate, {}).counters.l2_bytes;
  };
  const Substrate& a100 = machine("a100-sxm4-80gb");
  // 4096 columns of 2 bytes: a near side of 20 MiB holds 2560 rows.
  CHECK(l2_bytes(a100, 2, 1000) == doctest::Approx(l2_bytes(a100, 2, 2560)));
  CHECK(l2_bytes(a100, 2, 1e6) > l2_bytes(a100, 2, 5000));
  CHECK(l2_bytes(a100, 2, 5000) > l2_bytes(a100, 2, 2560));
  CHECK(l2_bytes(a100, 1, 1e6) == doctest::Approx(l2_bytes(a100, 1, 1000)));
}

TEST_CASE("sorting: one kernel for few slots of few experts, whose single warp walks them; several kernels else") {
  const Substrate& h100 = machine("h100-sxm5-80gb");
  const auto time = [&](std::int64_t slots, std::int64_t experts) {
    return play(lower_align(slots, experts, slots, h100), h100, {}).time.us();
  };
  const double node = (h100.dispatch.graph_node + h100.dispatch.grid_start) * 1e6;
  CHECK(time(16, 65) > time(16, 64) + node);
  // Twice 31 - 1 further loads in a row, each a trip to the far side of L2.
  CHECK(time(31 * 32, 8) - time(32, 8) > 2 * 30 * h100.memory.l2_far_latency * 1e6 * 0.99);
  CHECK(time(0, 8) < time(1, 8));
}
