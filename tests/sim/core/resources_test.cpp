#include "sim/core/resources.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <queue>
#include <string>
#include <vector>

#include "sim/core/random.h"
#include "sim/core/simulation.h"

namespace sparsesim {
namespace {

TEST_CASE("an idle server starts at once; a busy one starts the next when it is free") {
  FifoServer server;
  CHECK(server.serve({100}, Time{10}).ps == 110);
  CHECK(server.serve({105}, Time{10}).ps == 120);
  CHECK(server.serve({105}, Time{1}).ps == 121);
  CHECK(server.serve({121}, Time{1}).ps == 122);
  CHECK(server.serve({500}, Time{7}).ps == 507);
  CHECK(server.stats.requests == 5);
  CHECK(server.stats.busy.ps == 29);
  CHECK(server.stats.waited.ps == 5 + 15);
  CHECK(server.stats.waited_max.ps == 15);
}

TEST_CASE("a server that stays busy rounds once: 1e6 sectors of 32 B at 3.35 TB/s") {
  // 32 B / 3.35e12 B/s = 9.5522... ps each; 1e6 of them take 9 552 238.8 ps, not 10 000 000.
  const FineTime sector = fine_transfer_time({32}, {3.35e12});
  for (const bool closed_loop : {false, true}) {
    CAPTURE(closed_loop);
    FifoServer server;
    Time finish;
    for (int i = 0; i < 1'000'000; ++i) finish = server.serve(closed_loop ? finish : Time{0}, sector);
    const double exact = 1e6 * 32 / 3.35e12 * 1e12;
    CHECK(static_cast<double>(finish.ps) >= exact);
    CHECK(static_cast<double>(finish.ps) < exact + 1.01);
    CHECK(server.stats.busy == finish);
  }
}

TEST_CASE("nothing finishes early: a new busy period starts at a whole picosecond and ends rounded up") {
  FifoServer server;
  const FineTime half{10, 0x80000000u};
  CHECK(server.serve({0}, half).ps == 11);
  CHECK(server.serve({12}, half).ps == 23);  // idle since 10.5: 12 + 10.5
  CHECK(server.serve({23}, half).ps == 33);  // arrives at the rounded end: 22.5 + 10.5
}

TEST_CASE("arrivals out of order and times beyond the range are errors") {
  FifoServer server;
  server.serve({10}, Time{1});
  CHECK_THROWS_AS(server.serve({9}, Time{1}), SimulationError);
  CHECK_THROWS_AS(server.serve({10}, Time{std::numeric_limits<std::int64_t>::max()}), SimulationError);
  MultiServer pair(2);
  pair.serve({10}, Time{1});
  CHECK_THROWS_AS(pair.serve({9}, Time{1}), SimulationError);
  BoundedServer bounded(2);
  bounded.serve({10}, Time{1});
  CHECK_THROWS_AS(bounded.serve({9}, Time{1}), SimulationError);
  CHECK_THROWS_AS(MultiServer(0), SimulationError);
  CHECK_THROWS_AS(BoundedServer(0), SimulationError);
  CHECK_THROWS_AS(BankSet({0, {32}, false}), SimulationError);
}

// An explicit queue with arrival and completion events: what the analytic servers must reproduce.
std::vector<std::int64_t> simulate_servers(int servers, const std::vector<Time>& arrivals,
                                           const std::vector<Time>& services) {
  enum Kind : std::uint32_t { finished, arrived };
  ReferenceSimulation simulation;
  std::vector<std::int64_t> finish(arrivals.size());
  std::queue<std::uint32_t> waiting;
  int busy = 0;
  for (std::uint32_t i = 0; i < arrivals.size(); ++i) simulation.at(arrivals[i], arrived, i);
  simulation.run([&](const Event& event) {
    if (event.kind == arrived) {
      waiting.push(event.id);
    } else {
      finish[event.id] = simulation.now().ps;
      --busy;
    }
    for (; busy < servers && !waiting.empty(); ++busy, waiting.pop())
      simulation.after(services[waiting.front()], finished, waiting.front());
  });
  return finish;
}

TEST_CASE("analytic servers finish every request when an explicit queue of events does") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    RandomStream random(seed);
    const int servers = static_cast<int>(1 + random.below(6));
    std::vector<Time> arrivals, services;
    Time clock;
    for (int i = 0; i < 200; ++i) {
      clock += Time{random.below(20)};
      arrivals.push_back(clock);
      services.push_back({random.below(15 * servers)});
    }
    const auto expected = simulate_servers(servers, arrivals, services);
    MultiServer multi(servers);
    FifoServer fifo;
    BoundedServer roomy(200);
    std::int64_t total_service = 0;
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
      total_service += services[i].ps;
      REQUIRE(multi.serve(arrivals[i], services[i]).ps == expected[i]);
      if (servers > 1) continue;
      REQUIRE(fifo.serve(arrivals[i], services[i]).ps == expected[i]);
      REQUIRE(roomy.serve(arrivals[i], services[i]).finished.ps == expected[i]);
    }
    CHECK(multi.stats.busy.ps == total_service);
    CHECK(multi.stats.busy.ps <= multi.all_free().ps * servers);
  }
}

TEST_CASE("k places: the k+1st request enters when the first leaves, not a picosecond earlier") {
  BoundedServer server(2);
  const Time hold{100};
  CHECK(server.serve({0}, Time{10}, hold).departed.ps == 110);
  CHECK(server.serve({0}, Time{10}, hold).departed.ps == 120);
  const auto third = server.serve({0}, Time{10}, hold);
  CHECK(third.admitted.ps == 110);
  CHECK(third.finished.ps == 120);
  CHECK(third.departed.ps == 220);
  CHECK(server.serve({0}, Time{10}, hold).admitted.ps == 120);
  CHECK(server.blocked().ps == 110 + 120);
}

TEST_CASE("Little's law: k places held for one latency give k per latency") {
  BoundedServer server(8);
  Time last;
  for (int i = 0; i < 8 * 100; ++i) last = server.serve({0}, Time{1}, {799}).departed;
  // 8 places, each taken for at least 1 + 799 ps: 800 requests in 100 rounds of 800 ps, and 7 ps of service stagger.
  CHECK(last.ps == 100 * 800 + 7);
}

TEST_CASE("a pipeline accepts at its occupancy and delivers after its latency") {
  PipelinedServer unit({50});
  CHECK(unit.serve({0}, Time{4}).ps == 54);
  CHECK(unit.serve({0}, Time{4}).ps == 58);
  CHECK(unit.next_free().ps == 8);
  CHECK(unit.serve({100}, Time{4}).ps == 154);
}

TEST_CASE("a link carries bytes at its bandwidth and adds its latency once") {
  Link link({{1e12}, {700}});  // one byte per picosecond
  const auto first = link.send({0}, {256});
  CHECK(first.released.ps == 256);
  CHECK(first.delivered.ps == 956);
  CHECK(link.send({0}, {256}).delivered.ps == 1212);
  CHECK(link.stats().payload.count == 512);
  CHECK(link.stats().busy.ps == 512);
  Link ideal({{std::numeric_limits<double>::infinity()}, {3}});
  CHECK(ideal.send({5}, {1 << 30}).delivered.ps == 8);
  Link broken({{0.0}, {3}});
  CHECK_THROWS_AS(broken.send({5}, {1}), std::overflow_error);
}

TEST_CASE("bytes over time never exceed the bandwidth, whatever the message sizes") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    RandomStream random(seed);
    const double bandwidth = random.uniform(1e9, 4e12);
    Link link({{bandwidth}, {0}});
    std::int64_t bytes = 0;
    Time end;
    for (int i = 0; i < 1000; ++i) {
      const std::int64_t size = 1 + random.below(4096);
      bytes += size;
      end = link.send({0}, {size}).delivered;
    }
    const double bound_ps = static_cast<double>(bytes) / bandwidth * 1e12;
    CHECK(static_cast<double>(end.ps) >= bound_ps * (1 - 1e-12));
    CHECK(static_cast<double>(end.ps) <= bound_ps + 1.01);
  }
}

TEST_CASE("every aligned run of granules visits each bank once; only the swizzle saves a bad stride") {
  for (const bool swizzled : {false, true}) {
    BankSet banks({80, {4096}, swizzled});
    for (std::uint64_t group = 0; group < 50; ++group) {
      std::vector<int> visits(80);
      for (std::uint64_t i = 0; i < 80; ++i)
        ++visits[static_cast<std::size_t>(banks.bank_of((group * 80 + i) * 4096 + 17))];
      REQUIRE(visits == std::vector<int>(80, 1));
    }
    std::vector<int> visits(80);
    for (std::uint64_t i = 0; i < 8000; ++i) ++visits[static_cast<std::size_t>(banks.bank_of(i * 80 * 4096))];
    const int most = *std::max_element(visits.begin(), visits.end());
    if (swizzled) {
      CHECK(most < 150);  // 100 on average
    } else {
      CHECK(most == 8000);
    }
  }
}

TEST_CASE("banks work in parallel: a stream takes 1/banks of the time of one bank") {
  BankSet banks({8, {32}, false});
  Time end;
  for (std::uint64_t i = 0; i < 800; ++i) end = std::max(end, banks.serve({0}, i * 32, Time{10}));
  CHECK(end.ps == 1000);
  CHECK(banks.stats().requests == 800);
  CHECK(banks.stats().busy.ps == 8000);
  CHECK(banks.stats().waited_max.ps == 990);
}

TEST_CASE("each counter is visited once, under its own name and with a unit") {
  ServerStats stats;
  std::vector<std::string> names;
  stats.visit(
      [&](const char* name, auto&, const char* unit, const char*) { names.push_back(std::string(name) + " " + unit); });
  CHECK(names == std::vector<std::string>{"requests count", "busy ps", "waited ps", "waited_max ps"});
}

}  // namespace
}  // namespace sparsesim
