// Fabrics of several nodes: fast inside, slow between.

#include <doctest/doctest.h>

#include <cmath>

#include "models/network/collectives.h"
#include "models/network/exchange.h"
#include "tests/support/machines.h"

using namespace sparsesim;

namespace {

Exchange even(const char* algorithm, int devices, double bytes) { return {algorithm, algorithm, devices, {}, bytes}; }

/// Bare links: nodes of 4 on a switch of 100 GB/s per device, 10 GB/s per device between nodes.
Substrate bare_cluster(int nodes) {
  Substrate s;
  s.fabric.name = "bare cluster";
  s.fabric.topology = "switch";
  s.fabric.devices = 4 * nodes;
  s.fabric.nodes = nodes;
  s.fabric.switches = 1;
  s.fabric.link_bandwidth.value = 100e9;
  s.fabric.link_efficiency.value = 1;
  s.fabric.link_latency.value = 1e-6;
  s.fabric.network_bandwidth.value = 10e9;
  s.fabric.network_efficiency.value = 1;
  s.fabric.network_latency.value = 3e-6;
  return s;
}

double network_rate(const Fabric& fabric) { return fabric.network_bandwidth * fabric.network_efficiency; }

}  // namespace

TEST_CASE("devices of one number meet on their rail; others cross a node's own switch first or last") {
  const Topology topology = make_topology(bare_cluster(2).fabric, 8);
  CHECK(topology.route(0, 4).size() == 2);  // device0, rail 0, device4
  CHECK(topology.route(0, 1).size() == 2);  // device0, its node's switch, device1
  double leaving = 0;                       // share of a message that enters the network, over all ways
  for (const LinkUse& use : topology.route(0, 5)) {
    const LinkEdge& link = topology.links()[static_cast<std::size_t>(use.link)];
    if (link.from < 8 && link.bandwidth.bytes_per_second == 10e9) leaving += use.share;
  }
  CHECK(leaving == doctest::Approx(1));
}

TEST_CASE("an all-to-all over nodes takes what the cut between them needs") {
  // Of 800 MB per device half stays among 4 of 8, half leaves: 400 MB over 10 GB/s are 40 ms; inside 300 MB over 100
  // GB/s and half of the leaving bytes go through a neighbour as well.
  const ExchangeResult result = exchange_time(even("all_to_all", 8, 800e6), bare_cluster(2), {});
  CHECK(result.bound_seconds >= 0.04 * (1 - 1e-9));
  CHECK(result.time.seconds() >= result.bound_seconds);
  CHECK(result.time.seconds() <= 0.04 * 1.05);
}

TEST_CASE("rings over nodes leave through every device: the network carries as many rings as a node has devices") {
  // Four rings: a cable carries one of them, so a device sends 4 x 10 GB/s; links could carry 100 GB/s.
  const double bytes = 8e9;
  const ExchangeResult gather = exchange_time(even("all_gather", 8, bytes), bare_cluster(2), {});
  CHECK(gather.bound_seconds == doctest::Approx(7.0 / 8 * bytes / 40e9));
}

TEST_CASE("one node of a cluster is the node itself, to the picosecond") {
  const Substrate &cluster = machine("h100-superpod-32"), &node = machine("h100-sxm5-80gb-x8");
  for (const char* algorithm : {"all_to_all", "all_gather", "reduce_scatter", "all_reduce"})
    for (int devices : {2, 4, 8})
      for (double bytes = 512; bytes < 2e9; bytes *= 8) {
        CAPTURE(algorithm);
        CAPTURE(bytes);
        const ExchangeResult one = exchange_time(even(algorithm, devices, bytes), node, {});
        const ExchangeResult same = exchange_time(even(algorithm, devices, bytes), cluster, {});
        CHECK(one.time == same.time);
        CHECK(one.protocol == same.protocol);
      }
}

TEST_CASE("over nodes no collective beats the cut, and more nodes take less only where the library changes its mind") {
  const Substrate& cluster = machine("h100-superpod-32");
  const double node_rate = 8 * network_rate(cluster.fabric);
  for (const char* algorithm : {"all_to_all", "all_gather", "reduce_scatter", "all_reduce"})
    for (double bytes = 512; bytes < 2e9; bytes *= 8) {
      CAPTURE(algorithm);
      CAPTURE(bytes);
      ExchangeResult before;
      for (int nodes : {1, 2, 3, 4}) {
        CAPTURE(nodes);
        const ExchangeResult result = exchange_time(even(algorithm, 8 * nodes, bytes), cluster, {});
        // What must leave each node: in an all-to-all the share of other nodes of eight buffers, else the whole result
        // (or what it is made of) but the node's own part.
        const double others = static_cast<double>(nodes - 1) / nodes;
        const bool pairs = std::string(algorithm) == "all_to_all";
        const double cut = (pairs ? 8 * bytes : bytes) * others / node_rate;
        CHECK(result.time.seconds() >= cut);
        CHECK(result.time.seconds() >= result.bound_seconds);
        // A thousandth: parts of a buffer are rounded up to packets.
        const bool same = result.protocol == before.protocol;
        CHECK(result.time.seconds() >= before.time.seconds() * (same ? 0.999 : 0.9));
        before = result;
      }
    }
}

TEST_CASE("small all-reduces over nodes climb trees: up and down once per level, at least one network step each") {
  const Substrate& cluster = machine("h100-superpod-32");
  const LibraryConstants library = read_library(cluster.fabric);
  for (int nodes : {2, 4}) {
    const ExchangeResult result = exchange_time(even("all_reduce", 8 * nodes, 1024), cluster, {});
    CHECK(result.protocol == "ll_tree");
    CHECK(result.time.seconds() >= 2 * std::log2(nodes) * library.ll.network_step);
    const RingSpan ring(8 * nodes, nodes, 1);
    CHECK(choose_protocol(Collective::all_gather, ring, 1024, library) == Protocol::ll);
  }
}

TEST_CASE("a tree over nodes waits for chains inside them and for the levels between them") {
  LibraryConstants c;
  c.ll = {5e-6, 1e-6, 0.5, 3e-6};
  c.simple = {50e-6, 5e-6, 0.9, 14e-6};
  c.wide_bytes = 2048;
  c.copy = 800e9;
  c.tree_share = 0.8;
  c.choose_ll = {5e-6, 1e-6, 100e9};
  c.choose_simple = {50e-6, 5e-6, 300e9};
  // 4 nodes of 8: 2 (7 x 1 us + 2 x 3 us) + 5 us, and 2 x 1 kB through 0.8 x 0.5 x 100 GB/s.
  const CollectiveTime tree = ring_time(Collective::all_reduce, {32, 4, 1}, 1000, {100e9}, c);
  CHECK(tree.protocol == Protocol::ll_tree);
  CHECK(tree.seconds == doctest::Approx(31e-6 + 2000 / 40e9));
  // The ring of an all-gather: 28 steps inside, 3 across.
  const CollectiveTime ring = ring_time(Collective::all_gather, {32, 4, 1}, 32, {100e9}, c);
  CHECK(ring.seconds == doctest::Approx(5e-6 + 28e-6 + 9e-6).epsilon(1e-3));
}

TEST_CASE("a rack of one switch: each device has its whole trunk, so time hardly grows with the devices") {
  const Substrate& rack = machine("gb200-nvl72");
  const double eight = exchange_time(even("all_to_all", 8, 1e9), rack, {}).time.seconds();
  const double all = exchange_time(even("all_to_all", 72, 1e9), rack, {}).time.seconds();
  CHECK(all >= eight);
  CHECK(all <= eight * (71.0 / 72) / (7.0 / 8) * 1.05);  // each sends 71/72 of its buffer instead of 7/8
}

TEST_CASE("cube mesh: six cables per device, messages between devices without a cable pass through one other") {
  const Topology topology = make_topology(machine("v100-sxm2-32gb-x8").fabric, 8);
  for (int device = 0; device < 8; ++device) {
    double out = 0;
    for (const LinkEdge& link : topology.links())
      if (link.from == device) out += link.bandwidth.bytes_per_second;
    CHECK(out == doctest::Approx(6 * 25e9 * 0.913));
    for (int peer = 0; peer < 8; ++peer) CHECK(topology.route(device, peer).size() <= 6);
  }
  CHECK(topology.route(0, 4).size() == 1);
  CHECK(topology.route(0, 5).size() > 1);
}
