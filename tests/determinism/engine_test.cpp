#include <doctest/doctest.h>

#include <cstdint>
#include <thread>
#include <vector>

#include "sim/core/random.h"
#include "sim/core/resources.h"
#include "sim/core/simulation.h"

namespace sparsesim {
namespace {

struct Outcome {
  std::uint64_t fingerprint = 0;  // over (time, kind, id) of every event, in order
  std::uint64_t last_draw = 0;
  std::int64_t end_ps = 0;
  std::int64_t served = 0;
  bool operator==(const Outcome&) const = default;
};

// 64 clients, 8 banks: each request is served by a random bank after a random think time.
template <class AnySimulation>
Outcome play(std::uint64_t seed, SimulationOptions options = {}) {
  AnySimulation simulation(options);
  RandomStream random(seed, "clients");
  BankSet banks({8, {64}, true});
  std::vector<int> left(64, 200);
  Outcome outcome;
  for (std::uint32_t id = 0; id < 64; ++id) simulation.at({0}, 0, id);
  simulation.run([&](const Event& event) {
    outcome.fingerprint = (outcome.fingerprint ^ event.time_ps ^ (std::uint64_t{event.id} << 40)) * 0x9E3779B97F4A7C15u;
    if (left[event.id]-- == 0) return;
    const Time done = banks.serve(simulation.now(), random.bits() >> 40, Time{1 + random.below(40)});
    simulation.at(done + Time{random.below(4) * 10}, 0, event.id);
  });
  outcome.last_draw = random.bits();
  outcome.end_ps = simulation.now().ps;
  outcome.served = banks.stats().requests;
  return outcome;
}

TEST_CASE("same seed, same run: fingerprint of all events and the last draw") {
  const Outcome first = play<Simulation>(1);
  CHECK(first == play<Simulation>(1));
  CHECK(first == play<ReferenceSimulation>(1));
  CHECK(first.fingerprint != play<Simulation>(2).fingerprint);
}

TEST_CASE("simulations on two threads do not touch each other") {
  std::vector<Outcome> alone, together(8);
  for (std::uint64_t seed = 0; seed < 8; ++seed) alone.push_back(play<Simulation>(seed));
  std::vector<std::thread> threads;
  for (std::uint64_t part = 0; part < 2; ++part)
    threads.emplace_back([&, part] {
      for (std::uint64_t seed = part; seed < 8; seed += 2) together[seed] = play<Simulation>(seed);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(alone == together);
}

TEST_CASE("who wins a tie changes the order of events, not the number of requests served") {
  const Outcome plain = play<Simulation>(3);
  int reordered = 0;
  SimulationOptions options;
  options.shuffle_ties = true;
  for (options.shuffle_seed = 1; options.shuffle_seed <= 10; ++options.shuffle_seed) {
    const Outcome shuffled = play<Simulation>(3, options);
    reordered += shuffled.fingerprint != plain.fingerprint;
    CHECK(shuffled.served == plain.served);
    CHECK(shuffled == play<ReferenceSimulation>(3, options));
  }
  CHECK(reordered == 10);
}

}  // namespace
}  // namespace sparsesim
