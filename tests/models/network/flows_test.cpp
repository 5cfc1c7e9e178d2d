#include "models/network/flows.h"

#include <doctest/doctest.h>

#include <cstdint>

using namespace sparsesim;

namespace {

constexpr CableSpec kCable{{400e9}, Time::from_ns(250)};
constexpr double kMiB = 1048576;

std::vector<Message> all_pairs(int devices, double bytes) {
  std::vector<Message> messages;
  for (int a = 0; a < devices; ++a)
    for (int b = 0; b < devices; ++b) messages.push_back({a, b, bytes});
  return messages;
}

std::vector<Message> uneven(int devices, std::uint64_t seed) {
  std::vector<Message> messages = all_pairs(devices, 0);
  for (Message& message : messages) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    message.bytes = static_cast<double>(seed >> 44);
  }
  return messages;
}

}  // namespace

TEST_CASE("one message: bytes over bandwidth plus the latency of its route") {
  const auto result = transfer(make_switch_topology(2, kCable), {{0, 1, 4e6}});
  CHECK(result.drain == Time::from_us(10));  // 4 MB at 400 GB/s
  CHECK(result.time == Time::from_us(10) + Time::from_ns(500));
  CHECK(result.bound_seconds == doctest::Approx(10e-6));
  CHECK(result.messages == 1);
}

TEST_CASE("two messages to one receiver share its cable, two to different receivers do not") {
  const Topology topology = make_switch_topology(4, kCable);
  CHECK(transfer(topology, {{0, 2, 4e6}, {1, 2, 4e6}}).drain == Time::from_us(20));
  CHECK(transfer(topology, {{0, 2, 4e6}, {1, 3, 4e6}}).drain == Time::from_us(10));
}

TEST_CASE("what a short message leaves is taken by the long one") {
  // Both at 200 GB/s until 4 MB are gone at 20 us; the other 4 MB then go at 400 GB/s.
  const auto result = transfer(make_switch_topology(3, {{400e9}, {}}), {{0, 2, 4e6}, {1, 2, 8e6}});
  CHECK(result.arrivals[0] == Time::from_us(20));
  CHECK(result.arrivals[1] == Time::from_us(30));
  CHECK(result.events == 2);
}

TEST_CASE("equal all-to-all on a switch: each cable carries n-1 messages, whatever n; one event for all") {
  for (int n : {2, 8, 64, 256}) {
    CAPTURE(n);
    const auto result = transfer(make_switch_topology(n, kCable), all_pairs(n, kMiB));
    CHECK(result.drain.seconds() == doctest::Approx((n - 1) * kMiB / 400e9).epsilon(1e-9));
    CHECK(result.messages == n * (n - 1.0));
    CHECK(result.bytes == n * (n - 1) * kMiB);
    CHECK(result.classes == 1);
    CHECK(result.events == 1);
  }
}

TEST_CASE("oversubscription of a fat tree shows: uplinks bound the exchange") {
  // 16 devices, 4 a leaf: 4 x 12 messages leave a leaf over uplinks of 4 x 400 / 2 GB/s in all.
  const auto result = transfer(make_fat_tree_topology(16, 4, 2, 2.0, kCable), all_pairs(16, kMiB));
  CHECK(result.bound_seconds == doctest::Approx(4 * 12 * kMiB / (4 * 400e9 / 2)));
  CHECK(result.drain.seconds() == doctest::Approx(result.bound_seconds).epsilon(1e-9));
}

TEST_CASE("uneven messages: never below the busiest link, never above one after the other") {
  const Topology topology = make_switch_topology(8, kCable);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const auto messages = uneven(8, seed);
    const auto result = transfer(topology, messages);
    CHECK(result.drain.seconds() >= result.bound_seconds * (1 - 1e-9));
    CHECK(result.drain.seconds() <= result.bytes / 400e9);
  }
}

TEST_CASE("taking ends together on a grid is late by a few steps of it, never early") {
  const Topology topology = make_switch_topology(12, kCable);
  const auto messages = uneven(12, 3);
  TransferOptions coarse;
  coarse.exact_classes = 0;
  const auto exact = transfer(topology, messages), rounded = transfer(topology, messages, coarse);
  CHECK(rounded.drain >= exact.drain);
  CHECK(rounded.drain.seconds() <= exact.drain.seconds() * (1 + 4.0 / coarse.grid));
}

TEST_CASE("swapping devices changes no total; running twice changes nothing") {
  const Topology topology = make_switch_topology(6, kCable);
  auto messages = uneven(6, 11);
  const auto first = transfer(topology, messages);
  CHECK(transfer(topology, messages).arrivals == first.arrivals);
  for (Message& message : messages) message = {5 - message.from, 5 - message.to, message.bytes};
  CHECK(transfer(topology, messages).drain == first.drain);
}

TEST_CASE("half the efficiency takes twice the time; the bound is the link's own") {
  const Topology topology = make_switch_topology(4, kCable);
  TransferOptions half;
  half.efficiency = 0.5;
  const auto full = transfer(topology, all_pairs(4, 1e6)), slow = transfer(topology, all_pairs(4, 1e6), half);
  CHECK(slow.drain.seconds() == doctest::Approx(2 * full.drain.seconds()));
  CHECK(slow.bound_seconds == full.bound_seconds);
}

TEST_CASE("nothing to send takes no time") {
  const auto result = transfer(make_switch_topology(4, kCable), {{0, 0, 5.0}, {1, 2, 0.0}});
  CHECK(result.time == Time{});
  CHECK(result.messages == 0);
}
