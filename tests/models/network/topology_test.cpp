#include "models/network/topology.h"

#include <doctest/doctest.h>

using namespace sparsesim;

namespace {

constexpr CableSpec kCableOfPort{{100e9}, Time::from_ns(250)};

Fabric make_fabric(const char* topology) {
  Fabric fabric;
  fabric.name = "test";
  fabric.topology = topology;
  fabric.devices = 4;
  fabric.switches = 1;
  fabric.link_bandwidth.value = 100e9;
  fabric.link_efficiency.value = 0.8;
  fabric.link_latency.value = 500e-9;
  return fabric;
}

}  // namespace

TEST_CASE("a message through one switch crosses its sender's and its receiver's cable") {
  const Topology topology = make_switch_topology(8, kCableOfPort);
  std::vector<LinkUse> uses;
  CHECK(topology.append_route(2, 5, uses) == Time::from_ns(2 * 250));
  REQUIRE(uses.size() == 2);
  CHECK(topology.links()[uses[0].link].from == 2);
  CHECK(topology.links()[uses[1].link].to == 5);
  CHECK(uses[0].share == 1.0);
  CHECK(topology.route(3, 3).empty());
}

TEST_CASE("a mesh goes straight: one link, never through a third device") {
  const Topology topology = make_mesh_topology(5, kCableOfPort);
  for (int a = 0; a < 5; ++a)
    for (int b = 0; b < 5; ++b) CHECK(topology.route(a, b).size() == (a == b ? 0 : 1));
}

TEST_CASE("equal routes split a message in proportion to their bandwidth, and all of it arrives") {
  Topology topology(2, 2);  // two switches, the second three times as wide
  for (int device : {0, 1}) {
    topology.add_cable(device, topology.switch_node(0), {1e9}, Time::from_ns(100));
    topology.add_cable(device, topology.switch_node(1), {3e9}, Time::from_ns(200));
  }
  std::vector<LinkUse> uses;
  CHECK(topology.append_route(0, 1, uses) == Time::from_ns(400));  // the longer of the two
  double arrived = 0;
  for (const LinkUse& use : uses) {
    const LinkEdge& link = topology.links()[use.link];
    CHECK(use.share == doctest::Approx(link.bandwidth.bytes_per_second == 1e9 ? 0.25 : 0.75));
    if (link.to == 1) arrived += use.share;
  }
  CHECK(arrived == doctest::Approx(1.0));
}

TEST_CASE("parallel cables between two nodes are one trunk of their sum") {
  Topology topology(2, 0);
  topology.add_cable(0, 1, {1e9}, {});
  topology.add_cable(0, 1, {2e9}, {});
  REQUIRE(topology.links().size() == 2);  // one per direction
  CHECK(topology.links()[0].bandwidth.bytes_per_second == 3e9);
}

TEST_CASE("fat tree: two hops inside a leaf, four across, uplinks narrowed by oversubscription") {
  const Topology topology = make_fat_tree_topology(16, 4, 2, 2.0, kCableOfPort);
  CHECK(topology.route(0, 1).size() == 2);
  const auto across = topology.route(0, 15);
  CHECK(across.size() == 6);  // up, two uplinks, two downlinks, down
  // 4 devices x 100 GB/s over 2 spines, halved
  CHECK(topology.links()[across[1].link].bandwidth.bytes_per_second == doctest::Approx(4 * 100e9 / 2 / 2));
}

TEST_CASE("an unconnected fabric is an error that names a device out of reach") {
  Fabric fabric = make_fabric("switch");
  fabric.switches = 2;
  fabric.links = {{"device0", "switch0", 1, {}},
                  {"device1", "switch0", 1, {}},
                  {"device2", "switch1", 1, {}},
                  {"device3", "switch1", 1, {}}};
  CHECK_THROWS_WITH_AS(make_topology(fabric, 4), doctest::Contains("device2"), FabricError);
  CHECK_NOTHROW(make_topology(fabric, 2));  // the first two are joined
  fabric.links.push_back({"switch0", "switch1", 2, {}});
  const Topology joined = make_topology(fabric, 4);
  CHECK(joined.route(0, 3).size() == 3);
  CHECK(joined.links().back().bandwidth.bytes_per_second == doctest::Approx(2 * 100e9 * 0.8));
}

TEST_CASE("asking a fabric for too much is refused in words") {
  CHECK_THROWS_WITH_AS(make_topology(make_fabric("switch"), 5), doctest::Contains("joins 4 devices, 5 are needed"),
                       FabricError);
  CHECK_THROWS_AS(make_topology(make_fabric("none"), 2), FabricError);
  Fabric dangling = make_fabric("switch");
  dangling.links = {{"device0", "switch7", 1, {}}};
  CHECK_THROWS_WITH_AS(make_topology(dangling, 4), doctest::Contains("switch7"), FabricError);
  CHECK_THROWS_AS(Topology(0, 1), std::invalid_argument);
}

TEST_CASE("a mesh deals a device's bandwidth out among its peers") {
  const Topology topology = make_topology(make_fabric("mesh"), 4);
  CHECK(topology.links()[0].bandwidth.bytes_per_second == doctest::Approx(100e9 * 0.8 / 3));
}
