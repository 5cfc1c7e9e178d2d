#include "models/evaluate/host.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "models/evaluate/program_player.h"
#include "models/ops/op.h"
#include "sim/core/random.h"
#include "tests/support/machines.h"

using namespace sparsesim;

namespace {

/// A kernel of `steps` main-loop steps on every unit.
std::shared_ptr<const Launch> hosted_kernel(int steps) {
  auto launch = std::make_shared<Launch>();
  launch->name = "kernel";
  launch->dtype = "bf16";
  TaskShape shape;
  shape.steps = steps;
  shape.cycles_per_step = {512, 0, 0};
  launch->shapes.push_back(shape);
  launch->tasks.assign(108, Task{});
  return launch;
}

Program queue_of(const std::vector<std::shared_ptr<const Launch>>& kernels) {
  Program program;
  for (const auto& kernel : kernels) {
    Stage stage;
    stage.launch = kernel;
    program.stages.push_back(std::move(stage));
  }
  return program;
}

ProgramResult hosted(const Program& program, const IssueCost& issue, const Substrate& machine = a100()) {
  return play_program(program, machine, {}, nullptr, {}, issue);
}

HostedTime drawn(RandomStream& random) {
  const std::int64_t host = random.below(100), device = random.below(100);
  return {{host}, {device}, {std::max(host, device) + random.below(std::min(host, device) + 1)}};
}

}  // namespace

TEST_CASE("a queue of kernels: the host's time each where they are short, the device's where they are long") {
  const IssueCost launches{{}, 0, Time::from_us(10)};
  const auto tiny = hosted_kernel(1), large = hosted_kernel(2000);
  const Time short_time = hosted(queue_of({tiny}), {}).time, long_time = hosted(queue_of({large}), {}).time;
  REQUIRE(short_time < Time::from_us(2));
  REQUIRE(long_time > Time::from_us(500));
  const std::vector<std::shared_ptr<const Launch>> many(50, tiny), few(5, large);
  CHECK(hosted(queue_of(many), launches).hosted == Time::from_us(500) + short_time);
  CHECK(hosted(queue_of(few), launches).hosted == Time::from_us(10) + long_time * 5);
  CHECK(hosted(queue_of(few), launches).host == Time::from_us(50));
  // The device alone takes what it took, and a host that takes nothing changes nothing.
  CHECK(hosted(queue_of(many), launches).time == short_time * 50);
  CHECK(hosted(queue_of(many), {}).hosted == short_time * 50);
  CHECK(hosted(queue_of(many), {}).host == Time{});
}

TEST_CASE("a framework's calls bring one launch each; launches beyond the calls take their own") {
  const std::vector<std::shared_ptr<const Launch>> four(4, hosted_kernel(1));
  const Time launch = Time::from_us(2);
  CHECK(hosted(queue_of(four), {Time::from_us(60), 2, launch}).host == Time::from_us(64));
  CHECK(hosted(queue_of(four), {Time::from_us(60), 9, launch}).host == Time::from_us(60));
  CHECK(hosted(Program{}, {Time::from_us(60), 1, launch}).hosted == Time::from_us(60));  // nothing to launch
  CHECK(hosted(queue_of(four), {Time{7}, 4, {}}).host == Time{7});                       // no picosecond is lost
}

TEST_CASE("an exchange waits for the hosts of all devices, and kernels behind it for the exchange") {
  const Substrate& node = machine("a100-sxm4-80gb-x8");
  Program program;
  program.devices = 8;
  for (int device = 0; device < 8; ++device)
    for (int i = 0; i <= device; ++i) {  // the last device has eight kernels to issue, the first one
      Stage stage;
      stage.device = device;
      stage.launch = hosted_kernel(1);
      program.stages.push_back(std::move(stage));
    }
  const int last = static_cast<int>(program.stages.size()) - 1;
  Stage exchange;
  exchange.type = Stage::Type::exchange;
  exchange.exchange.algorithm = "all_reduce";
  exchange.exchange.bytes_per_rank = 1 << 20;
  exchange.exchange.devices = 8;
  exchange.after = {last};
  program.stages.push_back(exchange);
  Stage behind;
  behind.launch = hosted_kernel(1);
  behind.after = {last + 1};
  program.stages.push_back(behind);
  const Time launch = Time::from_us(100);
  const ProgramResult free = hosted(program, {}, node), held = hosted(program, {{}, 0, launch}, node);
  const Time kernel = hosted(queue_of({hosted_kernel(1)}), {}, node).time;
  const Time exchanged = exchange_time(exchange.exchange, node, {}).time;
  CHECK(free.time == kernel * 8 + exchanged + kernel);
  CHECK(held.time == free.time);
  CHECK(held.hosted == launch * 9 + exchanged + kernel);  // eight kernels and the exchange are issued one by one
  CHECK(held.host == launch * 9);
}

TEST_CASE("hosted times behind each other: what a walk through the queue says, however it is grouped") {
  RandomStream random(7);
  for (int trial = 0; trial < 200; ++trial) {
    const HostedTime a = drawn(random), b = drawn(random), c = drawn(random);
    CHECK(then(then(a, b), c) == then(a, then(b, c)));
    CHECK(then({}, a) == a);
    CHECK(then(a, {}) == a);
    const std::int64_t n = 1 + random.below(9);
    HostedTime walked;
    for (std::int64_t i = 0; i < n; ++i) walked = then(walked, a);
    CHECK(times(a, n) == walked);
    const HostedTime turns = in_turns(std::vector<HostedRuns>{{a, n}, {b, n}});
    CHECK(turns == times(then(a, b), n));
    CHECK(turns.both >= std::max(turns.host, turns.device));
    CHECK(turns.both <= turns.host + turns.device);
    // More of anything is never quicker.
    for (Time HostedTime::*part : {&HostedTime::host, &HostedTime::device, &HostedTime::both}) {
      HostedTime slower = b;
      slower.*part += Time{random.below(50)};
      CHECK(then(a, slower).both >= then(a, b).both);
      CHECK(times(slower, n).both >= times(b, n).both);
    }
  }
}

TEST_CASE("in turns every run is made, also beyond the most rounds, and unequal ops spread") {
  const HostedTime quick{{1}, {10}, {11}}, slow{{10}, {1}, {11}};
  const HostedTime all = in_turns(std::vector<HostedRuns>{{quick, 1'000'003}, {slow, 500'000}});
  CHECK(all.host == Time{1'000'003 + 5'000'000});
  CHECK(all.device == Time{10'000'030 + 500'000});
  // One after the other the slow host would come on top; in turns it works ahead.
  CHECK(all.both < all.device + Time{20'000});
  CHECK(then(times(slow, 500'000), times(quick, 1'000'003)).both > all.both + Time{4'000'000});
}

TEST_CASE("hosts of machines: launches as measured, calls of the kernel library, an error without it") {
  CHECK_FALSE(host_of(HostKind::graph, a100()).cost(5).any());
  const Host stream = host_of(HostKind::stream, a100()), eager = host_of(HostKind::eager, a100());
  CHECK(stream.cost(5).calls == Time{});
  CHECK(stream.cost(5).launch == Time::from_seconds(a100().dispatch.launch));
  CHECK(eager.cost(5).calls == eager.call * 5);
  CHECK(eager.cost(5).launched == 5);
  CHECK(eager.call > stream.launch);
  CHECK_THROWS_AS(host_of(HostKind::eager, machine("tpu-v4")), UnsupportedError);
}
