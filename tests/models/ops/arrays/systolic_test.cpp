// Systolic machines in the language of substrates: what an array of 128 x 128 and a DMA of 512 bytes make of a product.
#include <doctest/doctest.h>

#include <cmath>

#include "models/compute/player.h"
#include "models/network/topology.h"
#include "models/ops/dense/gemm.h"
#include "models/ops/experts/moe_tiles.h"
#include "models/ops/weights/spmm.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

const Substrate& tpu() { return machine("tpu-v4"); }

LaunchResult dense(std::int64_t m, std::int64_t n, std::int64_t k) {
  return play(lower_gemm(m, n, k, "bf16", tpu(), {}), tpu(), {});
}

}  // namespace

TEST_CASE("a product of 2048 cubed on a TPU v4 takes what cycle counters showed of XLA's program: 84317 at 1.05 GHz") {
  CHECK(dense(2048, 2048, 2048).time.seconds() == doctest::Approx(84317 / 1.05e9).epsilon(0.05));
}

TEST_CASE("no product is faster than its arrays and its bytes") {
  for (const std::int64_t m : {1, 100, 1000, 5000}) {
    const double rows = static_cast<double>(m), macs = rows * 4096 * 4096,
                 bytes = 2 * (4096.0 * 4096 + 2 * rows * 4096);
    const double peak = 2 * 131072 * 1.05e9, dram = 973e9;
    CHECK(dense(m, 4096, 4096).time.seconds() >= std::max(2 * macs / peak, bytes / dram));
  }
}

TEST_CASE("a program compiled for its shape never takes longer for fewer rows, and streams weights once for few") {
  for (const char* name : {"tpu-v4", "tpu-v5e", "tpu-v5p"}) {
    CAPTURE(name);
    const auto seconds = [&](std::int64_t m) {
      return play(lower_gemm(m, 14336, 4096, "bf16", machine(name), {}), machine(name), {}).time.seconds();
    };
    double before = 0;
    for (const std::int64_t m : {1, 8, 16, 32, 64, 128, 256, 512, 4096}) {
      const double now = seconds(m);
      CHECK(now >= 0.99 * before);
      before = now;
    }
    CHECK(seconds(16) == doctest::Approx(seconds(1)).epsilon(0.02));
  }
}

TEST_CASE("arrays are paid whole: an output more than 128 columns costs another array") {
  const auto issued = [](std::int64_t n) { return dense(4096, n, 4096).counters.issued_macs; };
  CHECK(issued(129) == issued(256));
  CHECK(issued(129) >= 2 * 4096.0 * 128 * 4096);
}

TEST_CASE("a block of 32 x 32 fills a sixteenth of an array: sixteen multiply-adds are issued for one") {
  SpmmSize size;
  size.m = 4096;
  size.n = size.k = 4096;
  size.dtype = "bf16";
  size.pattern = "block";
  size.block_n = size.block_k = 32;
  size.sparsity = 1 - 12.0 / 128;  // twelve blocks of each row, three steps of four
  size.equal_rows = true;
  const Program program = Spmm(size).lower({tpu(), {}, 1});
  const LaunchCounters counters = play(*program.stages.front().launch, tpu(), {}).counters;
  CHECK(counters.issued_macs / counters.useful_macs == doctest::Approx(16));
}

TEST_CASE("there is no kernel for single weights and none for 2:4: the run says so") {
  SpmmSize size;
  size.m = size.n = size.k = 4096;
  size.dtype = "bf16";
  size.sparsity = 0.5;
  for (const char* pattern : {"unstructured", "2:4"}) {
    size.pattern = pattern;
    CHECK_THROWS_AS(Spmm(size).lower({tpu(), {}, 1}), UnsupportedError);
  }
}

TEST_CASE("a kernel of experts may be written for a tile of its own; others leave it to a rule") {
  for (const Kernel& kernel : tpu().kernels)
    if (kernel.op == "grouped_gemm") CHECK(own_moe_tile(kernel)->m == kernel.tile_m);
  for (const Kernel& kernel : a100().kernels)
    if (kernel.op == "grouped_gemm") CHECK(!own_moe_tile(kernel));
}

TEST_CASE("a cube of 64 chips is a torus: six links of each, and no way longer than six hops") {
  const Topology cube = make_topology(tpu().fabric, 64);
  std::vector<int> links(64);
  for (const LinkEdge& edge : cube.links()) ++links.at(static_cast<std::size_t>(edge.from));
  for (const int each : links) CHECK(each == 6);
  const double hop = tpu().fabric.link_latency / 2;
  double longest = 0;
  for (int to = 1; to < 64; ++to) {
    std::vector<LinkUse> uses;
    longest = std::max(longest, cube.append_route(0, to, uses).seconds() / hop);
  }
  CHECK(longest == doctest::Approx(6));
  // The first eight chips are a corner of 2 x 2 x 2.
  const Topology few = make_topology(tpu().fabric, 8);
  std::vector<int> corner(8);
  for (const LinkEdge& edge : few.links()) ++corner.at(static_cast<std::size_t>(edge.from));
  for (const int each : corner) CHECK(each == 3);
}

}  // namespace sparsesim
