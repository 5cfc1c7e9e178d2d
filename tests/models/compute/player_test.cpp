#include "models/compute/player.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>

#include "models/compute/slice_cache.h"

namespace sparsesim {
namespace {

/// A small machine with round numbers: 4 units at 1 GHz, 100 FLOP/cycle each.
Substrate round_machine() {
  Substrate s;
  s.compute.units = 4;
  s.compute.clock.value = 1e9;
  s.compute.pipes.tensor["bf16"].dense.value = 100;
  s.dispatch.rate.value = 1e12;
  s.memory.l2_bytes.value = 1e6;
  s.memory.l2_partitions.value = 1;
  s.memory.l2_bandwidth.value = 1e12;
  s.memory.l2_near_latency.value = s.memory.l2_far_latency.value = 100e-9;
  s.memory.dram_achieved.value = 1e11;
  s.memory.dram_latency.value = 300e-9;
  s.power.cap.value = 1e6;
  return s;
}

/// `tasks` tasks of `steps` steps, 1000 tensor cycles and `bytes` of their own panel each step.
Launch uniform_launch(int tasks, int steps, double bytes, bool shared_panel = false) {
  Launch launch;
  launch.dtype = "bf16";
  TaskShape shape;
  shape.steps = steps;
  shape.cycles_per_step[0] = 1000;
  shape.streams = {{bytes, bytes, true}};
  shape.stages = 2;
  shape.issued_macs = shape.useful_macs = 50.0 * 1000 * steps;
  launch.shapes = {shape};
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(tasks); ++i)
    launch.tasks.push_back({0, {shared_panel ? 0 : i, 0, 0}, 0});
  return launch;
}

TEST_CASE("time is at least every resource's own work") {
  const Substrate machine = round_machine();
  for (int tasks : {1, 3, 4, 5, 64, 257})
    for (int steps : {1, 2, 7, 40})
      for (double bytes : {0.0, 1000.0, 100000.0}) {
        const LaunchResult r = play(uniform_launch(tasks, steps, bytes), machine, {});
        CHECK(r.time.seconds() >= r.bound_seconds());
        CHECK(r.counters.tasks == tasks);
        // Conservation: a panel of its own is read exactly once.
        CHECK(r.counters.dram_bytes == doctest::Approx(bytes * steps * tasks));
      }
}

TEST_CASE("waves quantise: one task more than the units costs another wave") {
  const Substrate machine = round_machine();
  const double one = play(uniform_launch(4, 10, 0), machine, {}).time.us();
  const double two = play(uniform_launch(5, 10, 0), machine, {}).time.us();
  // 10 steps of 1000 cycles at 1 GHz, after one L2 latency of 0.1 us.
  CHECK(one == doctest::Approx(10.1).epsilon(0.001));
  CHECK(two == doctest::Approx(20.2).epsilon(0.001));
}

TEST_CASE("a persistent worker that loads ahead waits for memory once") {
  // 16 tasks on 4 units, 4 each, 8 steps of 1 us whose bytes take no time: 0.3 us of DRAM latency at first, later
  // behind multiplies.
  Launch launch = uniform_launch(16, 8, 1);
  launch.persistent = true;
  CHECK(play(launch, round_machine(), {}).time.us() == doctest::Approx(4 * 8 + 4 * 0.3).epsilon(0.001));
  launch.loads_ahead = true;
  CHECK(play(launch, round_machine(), {}).time.us() == doctest::Approx(4 * 8 + 0.3).epsilon(0.001));
}

TEST_CASE("stores behind multiplies follow one another, and the next task but one waits for its accumulators") {
  // 4 tasks on each unit: 2 us of multiplies, 5 us of stores: the first multiplies, then four times the stores.
  Launch launch = uniform_launch(16, 2, 0);
  launch.persistent = launch.loads_ahead = true;
  launch.shapes[0].epilogue_cycles = 5000;
  CHECK(play(launch, round_machine(), {}).time.us() == doctest::Approx(0.1 + 2 + 4 * 5).epsilon(0.001));
  launch.shapes[0].epilogue_cycles = 1000;
  CHECK(play(launch, round_machine(), {}).time.us() == doctest::Approx(0.1 + 4 * 2 + 1).epsilon(0.001));
}

TEST_CASE("without imbalance five tasks on four units take five quarters") {
  Ideal even;
  even.imbalance = true;
  CHECK(play(uniform_launch(5, 10, 0), round_machine(), even).time.us() ==
        doctest::Approx(10.1 * 5 / 4).epsilon(0.001));
}

TEST_CASE("streaming approaches the DRAM rate and never beats it") {
  // 64 tasks x 40 steps x 1 MB at 100 GB/s is 25.6 ms; compute is far less.
  Substrate machine = round_machine();
  const double us = play(uniform_launch(64, 40, 1e6), machine, {}).time.us();
  CHECK(us >= 25600.0);
  CHECK(us <= 25600.0 * 1.02);
}

TEST_CASE("a shared panel comes from DRAM once") {
  const LaunchResult r = play(uniform_launch(16, 8, 10000, true), round_machine(), {});
  CHECK(r.counters.dram_bytes == doctest::Approx(80000));
  CHECK(r.counters.l2_hit_bytes == doctest::Approx(15 * 80000));
}

TEST_CASE("a cap below the draw lowers the clock by the cube root, not below the floor") {
  Substrate machine = round_machine();
  machine.power.per_flop["bf16"].value = 1e-9;  // 4 units x 100 FLOP x 1 GHz x 1 nJ = 400 W
  machine.power.cap.value = 200;
  const LaunchResult r = play(uniform_launch(4, 100, 0), machine, {});
  CHECK(r.clock == doctest::Approx(1e9 * std::cbrt(0.5)).epsilon(0.01));
  machine.compute.clock_floor.value = 0.9e9;
  CHECK(play(uniform_launch(4, 100, 0), machine, {}).clock == doctest::Approx(0.9e9));
}

TEST_CASE("the schedule names every task once, and no slot runs two at a time") {
  const Launch launch = uniform_launch(23, 10, 1000);
  const std::vector<TaskSpan> spans = task_schedule(launch, round_machine(), 1e9);
  std::set<std::uint32_t> tasks;
  std::map<std::uint32_t, Time> free_at;
  for (const TaskSpan& span : spans) {
    CHECK(tasks.insert(span.task).second);
    CHECK(span.unit == span.slot % 4);
    CHECK(span.start >= free_at[span.slot]);
    CHECK(span.end > span.start);
    free_at[span.slot] = span.end;
  }
  CHECK(tasks.size() == 23);
  CHECK(spans.back().end == play(launch, round_machine(), {}).time);
}

TEST_CASE("all rates doubled and latencies halved halves the time") {
  const Launch launch = uniform_launch(37, 23, 30000);
  Substrate fast = round_machine();
  const double slow_us = play(launch, fast, {}).time.us();
  fast.compute.clock.value *= 2;
  fast.dispatch.rate.value *= 2;
  fast.memory.l2_bandwidth.value *= 2;
  fast.memory.dram_achieved.value *= 2;
  for (Quantity* latency : {&fast.memory.l2_near_latency, &fast.memory.l2_far_latency, &fast.memory.dram_latency})
    latency->value /= 2;
  CHECK(play(launch, fast, {}).time.us() == doctest::Approx(slow_us / 2).epsilon(1e-5));
}

TEST_CASE("the same launch twice gives the same picosecond") {
  const Launch launch = uniform_launch(257, 19, 12345, true);
  CHECK(play(launch, round_machine(), {}).time == play(launch, round_machine(), {}).time);
}

TEST_CASE("events do not grow with the work of a step, and stay bounded with steps") {
  const Substrate machine = round_machine();
  CHECK(play(uniform_launch(500, 4000, 1000), machine, {}).events <= 40000);
}

TEST_CASE("the cache evicts the oldest group and keeps what fits") {
  SliceCache cache(4, 100);
  cache.insert(0, 0, 2, 50, 7, 0);
  cache.insert(1, 0, 2, 50, 8, 0);
  CHECK(cache.lookup(0, 0, 2, 1000, 0).hit_steps == 2);  // 0 is now the youngest
  cache.insert(2, 0, 2, 50, 9, 0);
  CHECK(cache.lookup(1, 0, 2, 1000, 0).hit_steps == 0);
  CHECK(cache.lookup(0, 1, 4, 1000, 0).hit_steps == 1);  // steps 2 and 3 were never read
  CHECK(cache.lookup(0, 0, 1, 1000, 0).ready_ps == 7);
  cache.insert(3, 0, 9, 101, 1, 0);  // larger than the cache: not kept
  CHECK(cache.lookup(3, 0, 9, 1000, 0).hit_steps == 0);
  CHECK(cache.held_bytes() == 100);
}

TEST_CASE("a reader close behind another needs only the gap between them to be kept") {
  SliceCache cache(3, 100);
  cache.insert(0, 0, 8, 400, 7, 0);  // a long slice, four times the cache
  cache.insert(1, 0, 8, 400, 7, 0);
  // 400 bytes more were filled over 1000 ps: 200 ps behind, 80 of them have passed; 300 ps behind, 120.
  CHECK(cache.lookup(0, 0, 8, 300, 1000).hit_steps == 0);
  CHECK(cache.lookup(0, 0, 8, 200, 1000).hit_steps == 8);
  CHECK(cache.lookup(1, 0, 8, 1000, 1000).hit_steps == 0);
}

}  // namespace
}  // namespace sparsesim
