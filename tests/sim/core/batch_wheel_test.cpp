#include "sim/core/batch_wheel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "sim/core/random.h"
#include "sim/core/reference_queue.h"
#include "sim/core/simulation.h"

namespace sparsesim {
namespace {

constexpr std::uint64_t last_time = std::numeric_limits<std::uint64_t>::max() - 1;

// Both queues side by side: every pop must agree in all fields, and so must size and next time.
struct Pair {
  BatchWheel wheel;
  ReferenceQueue reference;
  std::uint64_t pushed = 0;

  explicit Pair(const SortVariant& sort = best_sort()) : wheel(sort) {}
  void push(std::uint64_t time, std::uint32_t id) {
    const Event event{time, static_cast<std::uint32_t>(pushed % 7), id, pushed};  // arg numbers the pushes
    ++pushed;
    wheel.push(event);
    reference.push(event);
  }
  std::uint64_t pop() {
    const Event expected = reference.pop();
    const Event got = wheel.pop();
    if (!(got == expected)) {  // spelled out only on failure: this runs tens of millions of times
      CAPTURE(expected.time_ps);
      CAPTURE(expected.id);
      CAPTURE(expected.arg);
      CAPTURE(got.time_ps);
      CAPTURE(got.id);
      CAPTURE(got.arg);
      FAIL("the wheel popped another event than the reference");
    }
    return expected.time_ps;
  }
  void peek() { REQUIRE(wheel.next_time() == reference.next_time()); }
  void drain() {
    while (!reference.empty()) pop();
    REQUIRE(wheel.empty());
  }
};

using Increment = std::function<std::uint64_t(RandomStream&)>;

// Hold model: pop the first, push one later by the increment; then drain.
void hold(std::uint64_t seed, std::size_t pending, int holds, std::uint32_t ids, const Increment& increment,
          const SortVariant& sort = best_sort()) {
  CAPTURE(seed);
  CAPTURE(pending);
  RandomStream random(seed);
  Pair pair(sort);
  for (std::size_t i = 0; i < pending; ++i) pair.push(increment(random), static_cast<std::uint32_t>(random.below(ids)));
  for (int i = 0; i < holds; ++i) {
    const std::uint64_t now = pair.pop();
    pair.push(now + increment(random), static_cast<std::uint32_t>(random.below(ids)));
    if (i % 64 == 0) pair.peek();
  }
  REQUIRE(pair.wheel.size() == pending);
  pair.drain();
}

std::uint64_t pareto(RandomStream& random) {
  return static_cast<std::uint64_t>(std::min(1e15, 1e5 * std::pow(1.0 - random.uniform(), -1 / 1.1)));
}

struct Named {
  const char* name;
  Increment increment;
};
const std::vector<Named>& increments() {
  static const std::array<std::uint64_t, 12> tick_lengths = {1, 2, 3, 7, 12, 30, 55, 90, 140, 250, 400, 600};
  static const std::vector<Named> table = {
      {"exp", [](RandomStream& r) { return static_cast<std::uint64_t>(r.exponential(1e6)); }},
      {"uniform", [](RandomStream& r) { return static_cast<std::uint64_t>(r.below(2'000'000)); }},
      {"bimodal",
       [](RandomStream& r) { return static_cast<std::uint64_t>(r.below(950'000) + (r.chance(0.1) ? 9'500'000 : 0)); }},
      {"ticks", [](RandomStream& r) { return tick_lengths[static_cast<std::size_t>(r.below(12))]; }},
      {"zero50", [](RandomStream& r) { return r.chance(0.5) ? 0 : static_cast<std::uint64_t>(r.exponential(2e6)); }},
      {"zero94", [](RandomStream& r) { return r.chance(0.94) ? 0 : static_cast<std::uint64_t>(r.exponential(2e6)); }},
      {"all zero", [](RandomStream&) { return 0; }},
      {"pareto", pareto},
      {"constant", [](RandomStream&) { return 1'000'000; }},
      {"far outliers",
       [](RandomStream& r) {
         return static_cast<std::uint64_t>(r.chance(0.001) ? r.below(1ll << 50) : r.below(2000));
       }},
      {"milliseconds", [](RandomStream& r) { return static_cast<std::uint64_t>(r.below(4)) * 1'000'000'000u; }},
      {"unit", [](RandomStream& r) { return static_cast<std::uint64_t>(r.below(2)); }},
      {"ticks",  // many events to the instant
       [](RandomStream& r) {
         return std::array<std::uint64_t, 6>{1, 2, 7, 30, 140, 600}[static_cast<std::size_t>(r.below(6))];
       }},
  };
  return table;
}

TEST_CASE("hold model: the wheel pops what the reference pops, for every distribution, size and sort variant") {
  for (const Named& named : increments()) {
    CAPTURE(named.name);
    for (const SortVariant* variant = runnable_sort_variants(); variant->function != nullptr; ++variant) {
      CAPTURE(variant->name);
      for (const std::size_t pending : {1, 2, 8, 33, 100, 1000, 10'000})
        hold(pending, pending, pending < 1000 ? 5000 : 20'000, 1000, named.increment, *variant);
    }
    hold(1, 1000, 20'000, 1, named.increment);  // one id: pure first in first out
    hold(2, 1000, 20'000, 0xFFFFFFFFu, named.increment);
    hold(3, 100'000, 100'000, 5000, named.increment);
  }
}

TEST_CASE("the mean jumps by 1e5, up and down, in mid-run") {
  for (const std::size_t pending : {20, 1000, 20'000}) {
    std::int64_t drawn = 0;
    const std::int64_t phase = static_cast<std::int64_t>(3 * pending + 2000);
    hold(pending, pending, static_cast<int>(6 * phase), 100, [&](RandomStream& random) {
      const double mean = drawn++ / phase % 2 == 0 ? 1e3 : 1e8;
      return static_cast<std::uint64_t>(random.exponential(mean));
    });
  }
}

TEST_CASE("fill, then drain; twice, so that the second time meets an adapted width") {
  for (const std::uint64_t span : {1ul, 100ul, 1'000'000ul, 1ul << 40, last_time}) {
    CAPTURE(span);
    RandomStream random(span);
    Pair pair;
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 50'000; ++i) pair.push(random.bits() % span, static_cast<std::uint32_t>(random.below(64)));
      pair.drain();
      pair.wheel.reset();
    }
  }
}

TEST_CASE("all 64 bits of time: magnitudes of every size up to the last instant") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    RandomStream random(seed);
    Pair pair;
    std::uint64_t now = 0;
    for (int i = 0; i < 20'000; ++i) {
      const bool push = pair.reference.empty() || random.chance(i < 10'000 ? 0.55 : 0.45);
      if (!push) {
        now = pair.pop();
        continue;
      }
      const std::uint64_t delay = random.bits() >> random.below(64);
      pair.push(delay > last_time - now ? last_time : now + delay, static_cast<std::uint32_t>(random.below(8)));
    }
    pair.drain();
  }
  BatchWheel wheel;
  CHECK_THROWS_AS(wheel.push({last_time + 1, 0, 0, 0}), SimulationError);
  CHECK(wheel.empty());
}

TEST_CASE("the end of time: a dense cluster up to the last instant") {
  RandomStream random(5);
  Pair pair;
  for (int i = 0; i < 3000; ++i) pair.push(last_time - random.bits() % 2000, 7);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t now = pair.pop();
    pair.push(now + random.bits() % std::min<std::uint64_t>(100, last_time - now + 1),
              static_cast<std::uint32_t>(i % 3));
  }
  pair.drain();
}

TEST_CASE("pushes before the last popped time are allowed and come first") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    RandomStream random(seed);
    Pair pair;
    for (int i = 0; i < 30'000; ++i) {
      if (pair.reference.empty() || random.chance(0.51)) {
        pair.push(static_cast<std::uint64_t>(random.below(1'000'000)), static_cast<std::uint32_t>(random.below(4)));
      } else {
        pair.pop();
      }
    }
    pair.drain();
  }
}

TEST_CASE("a look far ahead, then many events before it") {
  RandomStream random(3);
  Pair pair;
  pair.push(1ull << 50, 0);
  pair.peek();  // the batch is now at 2^50
  for (int i = 0; i < 100'000; ++i) pair.push(static_cast<std::uint64_t>(random.below(1ll << 40)), 1);
  for (int i = 0; i < 50'000; ++i) {
    const std::uint64_t now = pair.pop();
    pair.push(now + static_cast<std::uint64_t>(random.below(1000)), 2);
  }
  pair.drain();
}

TEST_CASE("bursts: 132 x 32 requests at one instant, growing and shrinking populations") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    RandomStream random(seed);
    Pair pair;
    std::uint64_t now = 0;
    for (int burst = 0; burst < 20; ++burst) {
      const std::int64_t size = random.chance(0.3) ? 4224 : random.below(300);
      for (std::int64_t i = 0; i < size; ++i) pair.push(now, static_cast<std::uint32_t>(random.below(4224)));
      for (std::int64_t i = random.below(5000); i > 0 && !pair.reference.empty(); --i) {
        now = pair.pop();
        if (random.chance(0.6)) pair.push(now + static_cast<std::uint64_t>(random.below(100'000)), 9);
      }
      if (!pair.reference.empty()) now = pair.reference.next_time();
    }
    pair.drain();
  }
}

// Every sequence of `length` actions: push now + {0, 1, 3000, 2^33} with id 0 or 1, or pop.
TEST_CASE("instants of many events in order are popped where they lie, whatever is pushed meanwhile") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    RandomStream random(seed);
    Pair pair;
    std::uint32_t next_id = 1'000'000;
    std::vector<std::vector<std::uint64_t>> others;
    const auto delay = [&] { return increments().back().increment(random); };
    for (int i = 0; i < 10'000; ++i) pair.push(delay(), next_id++);
    for (int i = 0; i < 60'000; ++i) {
      const std::uint64_t now = pair.pop();
      // Now and then many are pushed within an instant: the memory of the chunks moves, and others take the old place.
      const bool burst = i % 10'000 == 9'999;
      for (int pushes = burst ? 5'000 : 1; pushes > 0; --pushes) pair.push(now + delay(), next_id++);
      if (burst)
        for (std::size_t words = 1'000; words < 1'000'000; words *= 2) others.emplace_back(words);
      if (random.chance(0.01))  // before and behind what is left of the instant, and amid it
        pair.push(now, static_cast<std::uint32_t>(random.below(2'000'000)));
      if (random.chance(0.01)) pair.push(now, next_id - static_cast<std::uint32_t>(random.below(20'000)));
      if (i % 61 == 0) pair.peek();
      if (i % 1'000 == 0) REQUIRE(pair.wheel.size() == pair.reference.size());
    }
    if (seed % 2 == 0) {
      pair.wheel.reset();
      pair.reference.reset();
      for (int i = 0; i < 1'000; ++i) pair.push(delay(), next_id++);
    }
    pair.drain();
    REQUIRE(pair.wheel.size() == 0);
  }
}

TEST_CASE("small spaces exhaustively: all sequences of six actions") {
  constexpr std::array<std::uint64_t, 4> delays = {0, 1, 3000, 1ull << 33};
  constexpr int actions = 9, length = 6;
  int sequences = 1;
  for (int i = 0; i < length; ++i) sequences *= actions;
  Pair pair;
  for (int sequence = 0; sequence < sequences; ++sequence) {
    pair.wheel.reset();
    std::uint64_t now = 0;
    for (int i = 0, rest = sequence; i < length; ++i, rest /= actions) {
      const int action = rest % actions;
      if (action == 8) {
        if (!pair.reference.empty()) now = pair.pop();
      } else {
        pair.push(now + delays[static_cast<std::size_t>(action / 2)], static_cast<std::uint32_t>(action % 2));
      }
    }
    pair.drain();
  }
}

TEST_CASE("after reset with events pending nothing of them is left") {
  RandomStream random(17);
  Pair pair;
  for (int round = 0; round < 30; ++round) {
    for (int i = 0; i < 500; ++i) pair.push(random.bits() >> random.below(63), 0);
    for (int i = 0; i < 100; ++i) pair.pop();
    pair.wheel.reset();
    pair.reference.reset();
    REQUIRE(pair.wheel.empty());
  }
  pair.push(3, 1);
  pair.push(2, 1);
  pair.drain();
}

TEST_CASE("every sort variant: by time, id and age, for every count, with and without room for ids") {
  for (const SortVariant* variant = runnable_sort_variants(); variant->function != nullptr; ++variant) {
    CAPTURE(variant->name);
    for (const int time_bits : {0, 3, 10, 15, 16, 24, 25, 52}) {
      CAPTURE(time_bits);
      const SortKey key(time_bits);
      REQUIRE(key.has_id == (time_bits <= 24));
      for (std::size_t count = 1; count <= sort_block_max; ++count) {
        CAPTURE(count);
        RandomStream random(count);
        std::vector<Event> events(sort_block_max), sorted(sort_block + sort_block_max);
        Event* const first = sorted.data() + (sorted.size() - count);
        for (Event& event :
             events)  // what lies beyond the slot in time must not matter: its number is the same for all
          event = {(5ull << time_bits) + random.bits() % (1ull << time_bits), 3,
                   static_cast<std::uint32_t>(random.bits()) >> random.below(32), random.bits()};
        variant->function(events.data(), count, key, &sorted.back());
        std::stable_sort(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(count),
                         [&](const Event& a, const Event& b) {
                           if (a.time_ps != b.time_ps) return a.time_ps < b.time_ps;
                           return a.id < b.id;
                         });
        for (std::size_t i = 0; i < count; ++i) REQUIRE(first[i] == events[i]);
      }
    }
  }
}

TEST_CASE("every variant for one instant: by id and age, for every count, as far as ids lie close enough") {
  for (const SortVariant* variant = runnable_sort_variants(); variant->function != nullptr; ++variant) {
    CAPTURE(variant->name);
    for (const std::uint32_t span : {0u, 1u, 5u, 300u, instant_span_max, instant_span_max + 1}) {
      CAPTURE(span);
      for (std::size_t count = 1; count <= sort_block_max; ++count) {
        CAPTURE(count);
        RandomStream random(count);
        const std::uint32_t base = count % 3 == 0 ? 0 : count % 3 == 1 ? 0xFFFFFFFFu - span : 0x80000000u - span / 2;
        std::vector<Event> events(sort_block_max), sorted(sort_block + sort_block_max);
        for (std::size_t i = 0; i < events.size(); ++i)  // what is beyond the count must not matter
          events[i] = {7, 3, i < count ? base + static_cast<std::uint32_t>(random.below(span + 1)) : 11, random.bits()};
        events.front().id = base + span;
        if (count > 1) events[count - 1].id = base;
        const auto end = events.begin() + static_cast<std::ptrdiff_t>(count);
        const auto by_id = [](const Event& a, const Event& b) { return a.id < b.id; };
        const bool in_order = std::is_sorted(events.begin(), end, by_id);
        const InstantOrder order = variant->instant(events.data(), count, &sorted.back());
        if (in_order) {
          REQUIRE(order == InstantOrder::found_in_order);
        } else if (span > instant_span_max) {  // then more than one, the first and the last as far apart
          REQUIRE(order == InstantOrder::too_far_apart);
        } else {
          REQUIRE(order == InstantOrder::sorted);
          std::stable_sort(events.begin(), end, by_id);
          REQUIRE(std::equal(events.begin(), end, sorted.end() - static_cast<std::ptrdiff_t>(count)));
        }
        std::stable_sort(events.begin(), end, by_id);
        REQUIRE(variant->instant(events.data(), count, &sorted.back()) == InstantOrder::found_in_order);
      }
    }
  }
}

// A small closed network, run on both kernels: time and id of every event must agree.
TEST_CASE("whole simulations agree on both kernels") {
  const auto trace = [](auto& simulation, std::uint64_t seed) {
    RandomStream random(seed);
    std::vector<Event> events;
    for (std::uint32_t id = 0; id < 200; ++id) simulation.at({0}, 0, id);
    const auto handler = [&](const Event& event) {
      events.push_back(event);
      if (events.size() < 20'000) simulation.after({random.below(3000) * random.below(2)}, event.kind + 1, event.id);
    };
    for (std::int64_t until = 0; until < 50'000; until += 777) simulation.run_until({until}, handler);
    simulation.run(handler);
    return events;
  };
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    ReferenceSimulation reference;
    BasicSimulation<BatchWheel> wheel;
    CHECK(trace(reference, seed) == trace(wheel, seed));
  }
}

}  // namespace
}  // namespace sparsesim
