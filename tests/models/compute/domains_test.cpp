// The laws of main memory in NUMA domains: docs/models/numa.md.

#include "models/compute/domains.h"

#include <doctest/doctest.h>

#include "models/compute/player.h"

using namespace sparsesim;

namespace {

/// 8 cores of 1 GHz, DRAM of 80 GB/s and 100 ns in `domains` domains on `sockets` sockets, all equally near.
Substrate cores(int domains, int sockets, NumaPlacement placement) {
  Substrate s;
  s.compute.units.quantity.value = 8;
  s.compute.clock.value = 1e9;
  s.dispatch.rate.value = 1e12;
  s.memory.l2_bytes.value = 1e6;
  s.memory.l2_bandwidth.value = 1e15;
  s.memory.l2_partitions.value = 1;
  s.memory.dram_achieved.value = 80e9;
  s.memory.dram_latency.value = 100e-9;
  s.memory.numa.domains.value = domains;
  s.memory.numa.sockets.value = sockets;
  s.memory.numa.remote_latency.value = s.memory.numa.socket_latency.value = 100e-9;
  s.memory.numa.placement = placement;
  s.power.cap.value = 1e9;
  return s;
}

constexpr int kSteps = 64;
constexpr double kTaskBytes = 64e6;

/// A task per core, each of which reads 64 MB; `own` of it nobody else reads. Work in fixed shares.
Launch reading(int tasks, double own = 1) {
  Launch launch;
  TaskShape shape;
  shape.steps = shape.stages = kSteps;
  shape.cycles_per_step[0] = 1;
  shape.streams = {{kTaskBytes / kSteps, kTaskBytes / kSteps, false, 1, false, own}};
  launch.shapes = {shape};
  launch.tasks.assign(static_cast<std::size_t>(tasks), Task{});
  launch.persistent = true;
  return launch;
}

double seconds(const Launch& launch, const Substrate& s) { return play(launch, s, {}).time.seconds(); }

constexpr auto kAll = {NumaPlacement::first_touch, NumaPlacement::interleave, NumaPlacement::local};

}  // namespace

TEST_CASE("interleaved over equal domains with free links, memory is one server, to the picosecond") {
  const LaunchResult one = play(reading(8), cores(1, 1, NumaPlacement::first_touch), {});
  for (const int domains : {2, 4, 8})
    for (const int sockets : {1, 2}) {
      const LaunchResult many = play(reading(8), cores(domains, sockets, NumaPlacement::interleave), {});
      CHECK(many.time == one.time);
      CHECK(many.events == one.events);
    }
}

TEST_CASE("all pages in one domain: its share of the bandwidth bounds the launch") {
  const double whole = 8 * kTaskBytes / 80e9;
  for (const int domains : {2, 4, 8}) {
    const LaunchResult result = play(reading(8), cores(domains, 1, NumaPlacement::first_touch), {});
    CHECK(result.time.seconds() >= domains * whole);
    CHECK(result.time.seconds() <= domains * whole * 1.01);
    CHECK(result.bound() == DeviceResource::dram);
    CHECK(result.utilisation() > 0.99);
  }
}

TEST_CASE("a link narrower than memory bounds what crosses it") {
  // Two sockets of 40 GB/s each, interleaved: half of all bytes cross, half of those in each direction, at 10 GB/s.
  Substrate s = cores(2, 2, NumaPlacement::interleave);
  s.memory.numa.socket_link.value = 10e9;
  const LaunchResult result = play(reading(8), s, {});
  const double crossing = 8 * kTaskBytes / 4 / 10e9;
  CHECK(result.time.seconds() >= crossing);
  CHECK(result.time.seconds() <= crossing * 1.02);
  CHECK(result.bound() == DeviceResource::numa_link);
  // Between domains of a socket: one reader's domain takes 7 of 8 parts through its own link.
  Substrate split = cores(8, 1, NumaPlacement::interleave);
  split.memory.numa.link.value = 5e9;
  const double entering = 7.0 / 8 * kTaskBytes / 5e9;
  CHECK(seconds(reading(1), split) >= entering);
  CHECK(seconds(reading(1), split) <= entering * 1.02);
  s.memory.numa.socket_link.value = 1e15;
  CHECK(play(reading(8), s, {}).time == play(reading(8), cores(1, 1, NumaPlacement::first_touch), {}).time);
}

TEST_CASE("own parts placed locally are never slower than interleaved, and cross nothing") {
  for (const double link : {1e9, 10e9, 100e9})
    for (const double latency : {100e-9, 300e-9})
      for (const int tasks : {1, 3, 8, 13}) {
        Substrate near = cores(4, 2, NumaPlacement::local), spread = cores(4, 2, NumaPlacement::interleave);
        for (Substrate* s : {&near, &spread}) {
          s->memory.numa.socket_link.value = link;
          s->memory.numa.socket_latency.value = latency;
          s->memory.dram_unit.value = 8e9;
        }
        CAPTURE(link);
        CAPTURE(latency);
        CAPTURE(tasks);
        const LaunchResult local = play(reading(tasks), near, {}), interleaved = play(reading(tasks), spread, {});
        // Few tasks may want more than their domain has, where all domains serve them together.
        if (tasks >= 8) CHECK(local.time <= interleaved.time);
        CHECK(local.counters.remote_bytes == 0);
        CHECK(interleaved.counters.remote_bytes == doctest::Approx(0.75 * tasks * kTaskBytes));
      }
}

TEST_CASE("placement moves no byte more or less") {
  for (const NumaPlacement placement : kAll)
    for (const int domains : {1, 2, 8}) {
      const LaunchResult result = play(reading(8, 0.5), cores(domains, 1, placement), {});
      CHECK(result.counters.dram_bytes == doctest::Approx(8 * kTaskBytes));
      CHECK(result.counters.remote_bytes <= result.counters.dram_bytes);
    }
}

TEST_CASE("where cores take tasks as they become free, local parts are spread") {
  Launch launch = reading(8);
  launch.persistent = false;
  Substrate local = cores(2, 2, NumaPlacement::local), spread = cores(2, 2, NumaPlacement::interleave);
  local.memory.numa.socket_link.value = spread.memory.numa.socket_link.value = 5e9;
  CHECK(play(launch, local, {}).time == play(launch, spread, {}).time);
  CHECK(play(reading(8), local, {}).time < play(launch, local, {}).time);
}

TEST_CASE("one core draws as many lines at a time whatever their distance") {
  // 8 GB/s near at 100 ns, so 2 GB/s at 400 ns; one thread finds first-touched pages in its own domain.
  Substrate s = cores(2, 2, NumaPlacement::interleave);
  s.memory.dram_unit.value = 8e9;
  s.memory.numa.socket_latency.value = 400e-9;
  const double near = kTaskBytes / 8e9, both = 0.5 * near + 0.5 * 4 * near;
  CHECK(seconds(reading(1), s) == doctest::Approx(both).epsilon(0.01));
  s.memory.numa.placement = NumaPlacement::first_touch;
  CHECK(seconds(reading(1), s) == doctest::Approx(near).epsilon(0.01));
  CHECK(play(reading(1), s, {}).counters.remote_bytes == 0);
}

TEST_CASE("data in one domain and work in equal shares: those who are far make the others wait") {
  Substrate s = cores(2, 2, NumaPlacement::first_touch);
  s.memory.dram_unit.value = 4e9;
  s.memory.numa.socket_latency.value = 200e-9;
  const LaunchResult result = play(reading(8), s, {});
  // Near cores draw 4 GB/s each, far ones half: 4 * 4 + 4 * 2 = 24 of the domain's 40 GB/s. The far ones end last.
  CHECK(result.time.seconds() == doctest::Approx(kTaskBytes / 2e9).epsilon(0.01));
  CHECK(result.balanced_seconds == doctest::Approx(0.75 * kTaskBytes / 2e9).epsilon(0.01));
}

TEST_CASE("mean distance: one over D near, the rest by where it lies; parts of one's own are near where placed so") {
  Substrate s = cores(4, 2, NumaPlacement::interleave);
  s.memory.numa.remote_latency.value = 150e-9;
  s.memory.numa.socket_latency.value = 300e-9;
  const double mean = (1 + 1.5 + 2 * 3) / 4;
  CHECK(mean_distance(s.memory, 8, false) == doctest::Approx(mean));
  CHECK(mean_distance(s.memory, 8, true) == doctest::Approx(mean));
  s.memory.numa.placement = NumaPlacement::first_touch;
  CHECK(mean_distance(s.memory, 8, false) == doctest::Approx(mean));  // any core, one home
  CHECK(mean_distance(s.memory, 1, false) == 1);                      // one thread is where its pages are
  s.memory.numa.placement = NumaPlacement::local;
  CHECK(mean_distance(s.memory, 8, false) == doctest::Approx(mean));
  CHECK(mean_distance(s.memory, 8, true) == 1);
  CHECK(mean_distance(cores(1, 1, NumaPlacement::interleave).memory, 8, false) == 1);
}
