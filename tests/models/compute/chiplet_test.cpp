// Chiplets with caches of their own, and a cache at the memory side behind them.

#include <doctest/doctest.h>

#include "models/compute/player.h"
#include "tests/support/machines.h"

using namespace sparsesim;

namespace {

/// 8 units of 1 GHz, L2 of 1 GB at 1 TB/s, DRAM at 100 GB/s; `chiplets` caches.
Substrate die(int chiplets) {
  Substrate s;
  s.compute.units.quantity.value = 8;
  s.compute.clock.value = 1e9;
  s.dispatch.rate.value = 1e12;
  s.memory.l2_bytes.value = 1e9;
  s.memory.l2_bandwidth.value = 1e12;
  s.memory.l2_near_latency.value = s.memory.l2_far_latency.value = 100e-9;
  s.memory.l2_partitions.value = 1;
  s.memory.l2_chiplets.value = chiplets;
  s.memory.dram_achieved.value = 100e9;
  s.memory.dram_latency.value = 500e-9;
  s.power.cap.value = 1e9;
  return s;
}

void add_side(Substrate& s, double capacity, double rate) {
  s.memory.side_bytes.value = capacity;
  s.memory.side_bandwidth.value = rate;
  s.memory.side_latency.value = 200e-9;
}

/// `tasks` that all read the same panel: 10 steps of 1 kB.
Launch shared_panel(int tasks) {
  Launch launch;
  TaskShape shape;
  shape.steps = 10;
  shape.streams = {{1000, 1000, true}};
  launch.shapes = {shape};
  launch.tasks.assign(static_cast<std::size_t>(tasks), Task{});
  return launch;
}

constexpr double kPanel = 10 * 1000;

}  // namespace

TEST_CASE("every chiplet brings its own copy: what all units read crosses from DRAM once per chiplet") {
  for (int chiplets : {1, 2, 4, 8}) {
    const LaunchResult result = play(shared_panel(64), die(chiplets), {});
    CHECK(result.counters.dram_bytes == doctest::Approx(chiplets * kPanel));
    CHECK(result.counters.l2_hit_bytes == doctest::Approx((64 - chiplets) * kPanel));
  }
}

TEST_CASE("a memory-side cache keeps one copy for all chiplets, so DRAM is read once") {
  Substrate machine = die(8);
  add_side(machine, 1e9, 1e12);
  const LaunchResult result = play(shared_panel(64), machine, {});
  CHECK(result.counters.dram_bytes == doctest::Approx(kPanel));
  CHECK(result.counters.l2_hit_bytes == doctest::Approx(56 * kPanel));
  // Eight copies pass the memory side.
  CHECK(result.busy[static_cast<int>(DeviceResource::side_cache)] == doctest::Approx(8 * kPanel / 1e12));
}

TEST_CASE("a memory-side cache too small to keep anything changes no DRAM byte") {
  Substrate machine = die(8);
  add_side(machine, 1, 1e15);
  CHECK(play(shared_panel(64), machine, {}).counters.dram_bytes == doctest::Approx(8 * kPanel));
}

TEST_CASE("what chiplets read behind each other is bound by the memory side, not by DRAM") {
  // A slow memory side of 1 GB/s: 8 copies of 10 kB take 80 us, DRAM would need 0.1 us.
  Substrate machine = die(8);
  add_side(machine, 1e9, 1e9);
  const LaunchResult result = play(shared_panel(64), machine, {});
  CHECK(result.bound() == DeviceResource::side_cache);
  CHECK(result.time.seconds() >= 80e-6);
  CHECK(result.time.seconds() <= 80e-6 * 1.05);
}

TEST_CASE("chiplets share out L2's rate: one busy chiplet has an eighth of it") {
  // One task reads 10 MB: through 1 TB/s 10 us, through one eighth 80 us. DRAM is made fast.
  Substrate machine = die(1);
  machine.memory.dram_achieved.value = 1e15;
  Launch launch = shared_panel(1);
  launch.shapes[0].streams = {{1e6, 1e6, true}};
  CHECK(play(launch, machine, {}).time.us() == doctest::Approx(10).epsilon(0.15));
  machine.memory.l2_chiplets.value = 8;
  CHECK(play(launch, machine, {}).time.us() == doctest::Approx(80).epsilon(0.05));
}

TEST_CASE("shipped MI300X: an L2 of 4 MiB per die, behind them 256 MiB for all") {
  const Memory& memory = machine("mi300x").memory;
  CHECK(shared_l2_bytes(memory) == 4 * 1024 * 1024);
  CHECK(kept_on_device_bytes(memory) == 256.0 * 1024 * 1024);
  CHECK(shared_l2_bytes(machine("a100-sxm4-80gb").memory) == 20 * 1024 * 1024);  // two partitions of 20 MiB
}
