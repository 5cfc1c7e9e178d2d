#include "models/compute/launch_memo.h"

#include <doctest/doctest.h>

namespace sparsesim {
namespace {

Substrate machine() {
  Substrate s;
  s.compute.units = 4;
  s.compute.clock.value = 1e9;
  s.dispatch.rate.value = 1e9;
  s.memory.l2_bytes.value = 1e6;
  s.memory.l2_bandwidth.value = 1e12;
  s.memory.dram_achieved.value = 1e11;
  s.power.cap.value = 1e6;
  return s;
}

Launch launch_of(int tasks) {
  Launch launch;
  TaskShape shape;
  shape.steps = 8;
  shape.cycles_per_step[0] = 1000;
  shape.streams = {{64, 128, true}};
  launch.shapes = {shape};
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(tasks); ++i) launch.tasks.push_back({0, {i, 0, 0}, 0});
  launch.fixed_seconds = 1e-6;
  return launch;
}

LaunchMemo::Key key(const Launch& launch, const Substrate& substrate) {
  return LaunchMemo::key(launch, substrate, false, 1e9);
}

}  // namespace

TEST_CASE("what a play depends on changes the key, what it does not depend on leaves it") {
  const Launch launch = launch_of(9);
  const LaunchMemo::Key base = key(launch, machine());
  CHECK(base == key(launch_of(9), machine()));
  CHECK(base != key(launch_of(10), machine()));
  CHECK(base != LaunchMemo::key(launch, machine(), true, 1e9));
  CHECK(base != LaunchMemo::key(launch, machine(), false, 2e9));
  Launch other = launch;
  other.tasks[3].panel[2] = 1;
  CHECK(base != key(other, machine()));
  other = launch;
  other.shapes[0].streams[0].cached = false;
  CHECK(base != key(other, machine()));
  Substrate slower = machine();
  slower.memory.dram_latency.value = 1e-6;
  CHECK(base != key(launch, slower));
  Substrate colder = machine();
  colder.power.cap.value = 100;
  CHECK(base == key(launch, colder));
  other = launch;
  other.name = "another";
  CHECK(base == key(other, machine()));
}

TEST_CASE("with a memo every result is the one without") {
  LaunchMemo memo;
  for (const bool overfetch : {false, true})
    for (const bool imbalance : {false, true})
      for (const bool fixed_cost : {false, true}) {
        Ideal ideal;
        ideal.overfetch = overfetch;
        ideal.imbalance = imbalance;
        ideal.fixed_cost = fixed_cost;
        const LaunchResult fresh = play(launch_of(9), machine(), ideal);
        const LaunchResult recalled = play(launch_of(9), machine(), ideal, &memo);
        CHECK(recalled.time == fresh.time);
        CHECK(recalled.counters.dram_bytes == fresh.counters.dram_bytes);
        CHECK(recalled.fixed_seconds == fresh.fixed_seconds);
      }
}

TEST_CASE("what was played before changes no play, be it remembered or forgotten") {
  for (const bool again : {false, true})
    for (int tasks = 1; tasks <= 40; ++tasks) {  // more than a thread remembers
      CAPTURE(again);
      CAPTURE(tasks);
      const LaunchResult direct = play_at_clock(launch_of(tasks), machine(), false, machine().compute.clock);
      for (int i = 0; i < 2; ++i) {
        const LaunchResult played = play(launch_of(tasks), machine(), {});
        CHECK(played.time == direct.time);
        CHECK(played.counters.dram_bytes == direct.counters.dram_bytes);
      }
    }
}

}  // namespace sparsesim
