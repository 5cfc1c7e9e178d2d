#include "models/network/collectives.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace sparsesim;

namespace {

LibraryConstants make_library() {
  LibraryConstants c;
  c.ll = {5e-6, 1e-6, 0.4};
  c.ll128 = {20e-6, 1e-6, 0.9};
  c.simple = {10e-6, 2e-6, 0.95};
  c.nvls = {20e-6, 0, 0.8};
  c.has_ll128 = c.has_nvls = true;
  c.wide_base = 1e-6;
  c.wide_step = 0.5e-6;
  c.wide_bytes = 2048;
  c.fill = 0.5;
  c.fill_most = 30e-6;
  c.nvls_fill = 1;
  c.nvls_fill_most = 60e-6;
  c.copy = 800e9;
  c.p2p_ll_base = 6e-6;
  c.p2p_simple_base = 9e-6;
  c.p2p_peer = 0.2e-6;
  c.p2p_ll_channel = 6e9;
  c.p2p_simple_channel = 15e9;
  c.p2p_ll_most = 16384;
  c.p2p_part = 65536;
  c.p2p_efficiency = 0.9;
  c.p2p_fill = 0.5;
  c.p2p_fill_most = 30e-6;
  c.choose_ll = {6.6e-6, 0.6e-6, 140e9};
  c.choose_ll128 = {14e-6, 1.9e-6, 340e9};
  c.choose_simple = {8.4e-6, 3.4e-6, 370e9};
  c.choose_nvls = {25e-6, 0, 220e9};
  return c;
}

constexpr Bandwidth kLink{400e9};

}  // namespace

TEST_CASE("names of collectives round-trip and nothing else is one") {
  for (auto c : {Collective::all_to_all, Collective::all_gather, Collective::reduce_scatter, Collective::all_reduce})
    CHECK(collective_by_name(name(c)) == c);
  CHECK_FALSE(collective_by_name("broadcast"));
}

TEST_CASE("an all-reduce is a reduce-scatter and an all-gather: twice the sends") {
  for (int n : {2, 4, 8}) CHECK(ring_steps(Collective::all_reduce, n) == 2 * ring_steps(Collective::all_gather, n));
}

TEST_CASE("the protocol is the one with the smallest estimate") {
  const LibraryConstants c = make_library();
  // all_gather on 2: ll 7.2 us + x/280 GB/s against simple 11.8 us + x/740: equal at 4.6 us * 280 * 740 / 460 = 2.07 MB
  CHECK(choose_protocol(Collective::all_gather, 2, 2.0e6, c) == Protocol::ll);
  CHECK(choose_protocol(Collective::all_gather, 2, 2.2e6, c) == Protocol::simple);
  CHECK(choose_protocol(Collective::all_gather, 8, 8e6, c) == Protocol::ll128);
  CHECK(choose_protocol(Collective::all_reduce, 8, 1e9, c) == Protocol::nvls);
  CHECK(choose_protocol(Collective::all_reduce, 2, 1e9, c) == Protocol::simple);
}

TEST_CASE("a tiny message costs its floor: base and one latency per send") {
  const LibraryConstants c = make_library();
  const auto cost = ring_time(Collective::all_gather, 8, 8, kLink, c);
  CHECK(cost.protocol == Protocol::ll);
  CHECK(cost.seconds == doctest::Approx(5e-6 + 7 * 1e-6).epsilon(1e-3));
  CHECK(ring_time(Collective::all_gather, 8, 8, kLink, c, false).seconds < 1e-9);
}

TEST_CASE("a huge message costs its bytes: floors and fill vanish beside the stream") {
  const LibraryConstants c = make_library();
  const double bytes = 64e9;
  const double stream = 7 * (bytes / 8) / (0.95 * 400e9), copied = bytes / 8 / 800e9;
  const auto cost = ring_time(Collective::all_gather, 8, bytes, kLink, c);
  CHECK(cost.protocol == Protocol::simple);
  CHECK(cost.seconds == doctest::Approx(stream + copied).epsilon(1e-3));
}

TEST_CASE("within one protocol more bytes are never faster and more bandwidth is never slower") {
  const LibraryConstants c = make_library();
  for (auto collective : {Collective::all_gather, Collective::reduce_scatter, Collective::all_reduce}) {
    for (int n : {2, 4, 8}) {
      CollectiveTime before;
      for (double bytes = 512; bytes < 1e9; bytes *= 2) {
        const auto now = ring_time(collective, n, bytes, kLink, c);
        if (now.protocol == before.protocol) CHECK(now.seconds >= before.seconds);
        CHECK(ring_time(collective, n, bytes, {800e9}, c).seconds <= now.seconds);
        // No protocol beats the link: in a ring every device sends steps / n of its buffer.
        if (now.protocol != Protocol::nvls) CHECK(now.seconds >= ring_steps(collective, n) * bytes / n / 400e9);
        before = now;
      }
    }
  }
}

TEST_CASE("sends and receives: small by one channel, large by the links") {
  const LibraryConstants c = make_library();
  const auto small = point_to_point_time(8192, 7, 8192, 7 * 8192 / 400e9, c);
  CHECK(small.protocol == Protocol::ll);
  CHECK(small.seconds == doctest::Approx(6e-6 + 7 * 0.2e-6 + 8192 / 6e9));
  CHECK(point_to_point_time(16384, 7, 0, 1e-9, c).protocol == Protocol::ll);
  CHECK(point_to_point_time(16385, 7, 0, 1e-9, c).protocol == Protocol::simple);
  const double stream = 1.0;  // a second on the links
  CHECK(point_to_point_time(1e9, 7, 0, stream, c).seconds == doctest::Approx(stream / 0.9).epsilon(1e-3));
}

TEST_CASE("a fabric without a constant, or with one that nobody reads, is refused by name") {
  Fabric fabric;
  fabric.name = "test";
  CHECK_THROWS_WITH_AS(read_library(fabric), doctest::Contains("collectives.ll_base"), FabricError);
}
