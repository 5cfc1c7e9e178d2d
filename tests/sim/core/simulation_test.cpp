#include "sim/core/simulation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace sparsesim {
namespace {

std::vector<std::uint32_t> order_of_ties(SimulationOptions options) {
  Simulation simulation(options);
  for (std::uint32_t id : {5u, 1u, 3u, 2u, 4u, 0u}) simulation.at({7}, 0, id);
  std::vector<std::uint32_t> order;
  simulation.run([&](const Event& event) { order.push_back(event.id); });
  return order;
}

TEST_CASE("events come by time, then id, then first in first out") {
  Simulation simulation;
  simulation.at({20}, 0, 1, 100);
  simulation.at({10}, 0, 9, 101);
  simulation.at({20}, 0, 0, 102);
  simulation.at({20}, 0, 1, 103);
  std::vector<std::uint64_t> args;
  simulation.run([&](const Event& event) { args.push_back(event.arg); });
  CHECK(args == std::vector<std::uint64_t>{101, 102, 100, 103});
  CHECK(simulation.now().ps == 20);
  CHECK(simulation.processed() == 4);
}

TEST_CASE("an event for the current instant is handled within it, in order of id") {
  Simulation simulation;
  simulation.at({5}, 0, 4);
  simulation.at({5}, 0, 8);
  simulation.at({6}, 0, 0);
  std::vector<std::uint32_t> order;
  simulation.run([&](const Event& event) {
    order.push_back(event.id);
    if (event.id == 4) simulation.after({0}, 0, 6);
  });
  CHECK(order == std::vector<std::uint32_t>{4, 6, 8, 0});
}

TEST_CASE("run_until includes its instant, leaves the later ones and sets the clock") {
  Simulation simulation;
  for (int time = 1; time <= 5; ++time) simulation.at({time}, 0, 0);
  int handled = 0;
  const auto count = [&](const Event&) { ++handled; };
  simulation.run_until({3}, count);
  CHECK(handled == 3);
  CHECK(simulation.now().ps == 3);
  CHECK(simulation.pending() == 2);
  simulation.run_until({3}, count);
  CHECK(handled == 3);
  simulation.at({3}, 0, 0);  // now itself is not the past
  CHECK(simulation.step(count));
  CHECK(simulation.now().ps == 3);
  simulation.run_until({100}, count);
  CHECK(handled == 6);
  CHECK(simulation.now().ps == 100);
  CHECK_FALSE(simulation.step(count));
}

TEST_CASE("the past, a negative delay and an overflowing time are errors; the last instant is not") {
  const std::int64_t last = std::numeric_limits<std::int64_t>::max();
  Simulation simulation;
  CHECK_THROWS_AS(simulation.at({-1}, 0, 0), SimulationError);
  simulation.at({100}, 0, 0);
  simulation.run([](const Event&) {});
  CHECK_THROWS_AS(simulation.at({99}, 0, 0), SimulationError);
  CHECK_THROWS_AS(simulation.after({-1}, 0, 0), SimulationError);
  CHECK_THROWS_AS(simulation.after({last - 99}, 0, 0), SimulationError);
  CHECK_THROWS_AS(simulation.run_until({99}, [](const Event&) {}), SimulationError);
  simulation.after({last - 100}, 0, 0);
  simulation.run([](const Event&) {});
  CHECK(simulation.now().ps == last);
}

TEST_CASE("the cap on events at one instant is exact and starts anew at each instant") {
  SimulationOptions options;
  options.events_per_instant_max = 10;
  for (int events : {10, 11}) {
    CAPTURE(events);
    Simulation simulation(options);
    for (int time : {0, 1, 2})
      for (int i = 0; i < (time == 1 ? events : 10); ++i) simulation.at({time}, 0, 0);
    const auto ignore = [](const Event&) {};
    if (events == 10) {
      simulation.run(ignore);
      CHECK(simulation.processed() == 30);
    } else {
      CHECK_THROWS_AS(simulation.run(ignore), SimulationError);
    }
  }
}

TEST_CASE("running dry with an open wait names who waits for what") {
  Simulation simulation;
  const auto first = simulation.expect(3, "a reply from bank 7");
  simulation.expect(9, "a free buffer of link 2");
  simulation.at({50}, 0, 0);
  simulation.done(first);
  CHECK_THROWS_AS(simulation.done(first), SimulationError);
  try {
    simulation.run([](const Event&) {});
    FAIL("no deadlock was reported");
  } catch (const DeadlockError& error) {
    const std::string text = error.what();
    CHECK(text.find("50 ps") != std::string::npos);
    CHECK(text.find("id 9 waits for a free buffer of link 2") != std::string::npos);
    CHECK(text.find("bank 7") == std::string::npos);
  }
}

TEST_CASE("waits are reused and counted, and the report is bounded") {
  WaitRegistry waits;
  for (std::uint32_t id = 0; id < 20; ++id) waits.open(id, "x");
  CHECK(waits.describe(2) == "id 0 waits for x; id 1 waits for x; and 18 more");
  for (WaitRegistry::Token token = 0; token < 20; ++token) waits.close(token);
  CHECK(waits.empty());
  CHECK(waits.open(5, "y") < 20);
}

TEST_CASE("shuffled ties: a permutation that the seed decides, other times untouched") {
  SimulationOptions options;
  CHECK(order_of_ties(options) == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5});
  options.shuffle_ties = true;
  int differing = 0;
  for (options.shuffle_seed = 1; options.shuffle_seed <= 20; ++options.shuffle_seed) {
    auto order = order_of_ties(options);
    CHECK(order == order_of_ties(options));
    differing += order != std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5};
    std::sort(order.begin(), order.end());
    CHECK(order == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5});
  }
  CHECK(differing >= 15);
}

TEST_CASE("a shuffle of ids is a bijection") {
  for (std::uint64_t seed : {0ull, 1ull, 42ull, ~0ull}) {
    const TieShuffle shuffle(seed);
    for (std::uint32_t id = 0; id < 70000; ++id) {
      REQUIRE(shuffle.unshuffle(shuffle.shuffle(id)) == id);
      REQUIRE(shuffle.unshuffle(shuffle.shuffle(~id)) == ~id);
    }
  }
}

TEST_CASE("after reset a simulation starts from zero") {
  Simulation simulation;
  simulation.expect(1, "z");
  simulation.at({1000}, 0, 0);
  simulation.at({2000}, 0, 0);
  CHECK(simulation.step([](const Event&) {}));
  simulation.reset();
  CHECK(simulation.empty());
  CHECK(simulation.now().ps == 0);
  CHECK(simulation.processed() == 0);
  simulation.at({1}, 0, 0);
  simulation.run([](const Event&) {});
  CHECK(simulation.now().ps == 1);
}

}  // namespace
}  // namespace sparsesim
