// A sweep on several ranks gives the file of a sweep on one, whoever did what; what one rank cannot do is said by the
// first.

#include "models/explore/sweep_ranks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "models/explore/sweep_crew.h"
#include "models/explore/sweep_messages.h"
#include "sim/core/random.h"
#include "sim/sweep/rank_files.h"
#include "tests/sim/sweep/store_files.h"
#include "tests/support/thread_ranks.h"

namespace sparsesim {
namespace {

using std::chrono::milliseconds;
using sweep::Store;
using sweep::TemporaryFolder;

/// 4 x 6 points on a small product: those of sparsity 0.1 fail a condition, and two values are the same machine.
sweep::Design ranks_design(const std::string& second_machine = "a100-sxm4-80gb") {
  return sweep::Design::read({"",
                              "a100," + second_machine,
                              "pruned-linear",
                              {"workload.ops.linear.n=256", "workload.ops.linear.k=256",
                               "workload.ops.linear.sparsity=0.1,0.5,0.9", "workload.ops.linear.m=1,2,3,64"},
                              {"workload.ops.linear.sparsity > 0.2"}});
}

StudyOptions shipped_files() {
  return {{{SPARSESIM_SOURCE_DIR "/substrates"}}, {{SPARSESIM_SOURCE_DIR "/workloads"}}, false};
}

Failure as_text(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& thrown) {
    return {1, thrown.what()};
  }
}

struct Swept {
  SweepOutcome outcome;
  LeadCost cost;
  std::string error;
};

/// A sweep into folder/r.sqlite on so many ranks.
Swept sweep_on(int count, const TemporaryFolder& folder, const sweep::Design& design, SweepOptions options = {},
               const PrepareSweep& other = {}) {
  cluster::ThreadHub hub(count);
  const std::string file = folder / "r.sqlite";
  Swept swept;
  const PrepareSweep same = [&](const auto& go_on) {
    Study study(design.parameters(), shipped_files());
    go_on({design, study});
  };
  const auto lead = [&](cluster::Ranks& ranks) {
    const Dismissal dismissal(&ranks);
    Study study(design.parameters(), shipped_files());
    Store store(file, Store::Mode::write);
    try {
      swept.outcome = lead_sweep(design, study, store, file, ranks, options, swept.cost);
    } catch (const std::exception& error) {
      swept.error = error.what();
    }
  };
  cluster::on_ranks(hub, lead, [&](cluster::Ranks& ranks) {
    follow_sweep(other && ranks.rank() == 1 ? other : same, file, ranks, options, as_text);
  });
  return swept;
}

std::vector<std::pair<sweep::MemberRow, sweep::PointRow>> rows_in(const TemporaryFolder& folder) {
  Store store(folder / "r.sqlite", Store::Mode::read);
  REQUIRE(store.sweeps().size() == 1);
  return all_of(store, store.sweeps()[0].first);
}

/// The rows of a sweep that knows nothing of ranks.
const auto& rows_of_one() {
  static const auto rows = [] {
    const TemporaryFolder folder;
    const sweep::Design design = ranks_design();
    Study study(design.parameters(), shipped_files());
    {
      Store store(folder / "r.sqlite", Store::Mode::write);
      const SweepOutcome outcome = run_sweep(design, study, store, {});
      CHECK(outcome.simulated == 8);
      CHECK(outcome.known == 8);
      CHECK(outcome.left_out == 8);
    }
    return rows_in(folder);
  }();
  return rows;
}

/// Whether done() comes true, within some seconds.
template <class Done>
bool look_until(Done&& done) {
  for (int i = 0; i < 5000 && !done(); ++i) std::this_thread::sleep_for(milliseconds(1));
  return done();
}

}  // namespace

TEST_CASE("every position is dealt once, whatever is asked and taken back") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    RandomStream random(seed, "dealer");
    std::vector<bool> there(300);
    for (std::size_t i = 0; i < there.size(); ++i) there[i] = random.below(3) == 0;
    std::vector<int> visits(there.size());
    Dealer dealer(there, 4);
    while (!dealer.finished()) {
      const std::int64_t wanted = 1 + random.below(40);
      const Runs runs = dealer.deal(wanted);
      REQUIRE(size(runs) > 0);
      REQUIRE(size(runs) <= wanted);
      if (random.below(4) == 0) {
        dealer.take_back(runs);
        continue;
      }
      for (const Run& run : runs)
        for (std::int64_t i = run.begin; i < run.end; ++i) ++visits[static_cast<std::size_t>(i)];
      dealer.count_visited(size(runs));
    }
    CHECK(dealer.deal(1).empty());
    for (std::size_t i = 0; i < there.size(); ++i) REQUIRE(visits[i] == (there[i] ? 0 : 1));
  }
}

TEST_CASE("the last positions are dealt one by one") {
  Dealer dealer(std::vector<bool>(1000), 4);
  CHECK(size(dealer.deal(1 << 20)) == 125);  // a thread's share of half
  CHECK(size(dealer.deal(1 << 20)) == 109);
  std::int64_t last = 0;
  for (Runs runs = dealer.deal(1 << 20); !runs.empty(); runs = dealer.deal(1 << 20)) last = size(runs);
  CHECK(last == 1);
}

TEST_CASE("a crew takes cheap positions by the dozen, and gives dear ones back to others") {
  std::atomic<int> slow = 0;
  Crew crew(
      [&](std::int64_t) {
        std::this_thread::sleep_for(milliseconds(slow ? 100 : 1));
        return Visited{Visit::simulated, ""};
      },
      2, 0.2);
  CHECK(look_until([&] { return crew.wanted() == 2; }));  // it knows nothing of them yet
  crew.give({{0, 100}});
  CHECK(look_until([&] { return crew.idle(); }));
  const std::int64_t wanted = crew.wanted();
  CHECK(wanted > 20);
  CHECK(wanted <= 2 + 2 * 200);
  CHECK(crew.report().visited == 100);
  slow = 1;
  crew.give({{100, 500}, {600, 700}});
  Runs spare;
  std::int64_t visited = 0;
  const auto gave_back = [&] {
    const CrewReport report = crew.report();
    visited += report.visited;
    spare.insert(spare.end(), report.spare.begin(), report.spare.end());
    return !spare.empty();
  };
  look_until(gave_back);
  REQUIRE_FALSE(spare.empty());
  CHECK(size(spare) > 400);
  CHECK(spare.front().end == 700);  // those that it would have come to last
  CHECK(visited < 50);
  CHECK(crew.wanted() == 0);
}

TEST_CASE("the error of the lowest position is kept, one of the file ends the work") {
  std::atomic<bool> full = false;
  Crew crew(
      [&](std::int64_t position) -> Visited {
        if (full) throw sweep::StoreError("the disk is full", false);
        if (position % 3 == 2) throw std::runtime_error("point " + std::to_string(position));
        return {Visit::simulated, ""};
      },
      2, 0.05);
  crew.give({{10, 20}, {3, 9}});
  CHECK(look_until([&] { return crew.idle(); }));
  REQUIRE(crew.failure());
  CHECK(crew.failure()->position == 5);
  CHECK(crew.report().visited == 16);
  full = true;
  crew.give({{20, 100}});
  CHECK(look_until([&] { return crew.failure()->position == -1; }));
  crew.halt();
  CHECK(crew.report().visited <= 2);
}

TEST_CASE("what ranks say arrives as it was said") {
  RankReport said;
  said.crew = {7, 3, {{1, 4}, {9, 10}}, {{5, "00000000000000ff"}, {6, "fedcba9876543210"}}};
  said.wanted = 12;
  said.has_file = true;
  said.exit_code = 2;
  said.position = 42;
  said.text = "what is wrong";
  const RankReport heard = report_of(report_message(Word::done, said));
  CHECK(heard.crew.visited == 7);
  CHECK(heard.crew.left_out == 3);
  CHECK(heard.crew.spare == said.crew.spare);
  CHECK(heard.crew.elsewhere == said.crew.elsewhere);
  CHECK(heard.wanted == 12);
  CHECK(heard.has_file);
  CHECK(heard.exit_code == 2);
  CHECK(heard.position == 42);
  CHECK(heard.text == "what is wrong");
  CHECK(runs_of(work_message({{0, 5}, {8, 9}})) == Runs{{0, 5}, {8, 9}});
}

TEST_CASE("threads that come to equal points at once simulate them once") {
  const sweep::Design design = sweep::Design::read(
      {"", "a100-sxm4-80gb,a100,a100-sxm4-80gb,a100", "pruned-linear", {"workload.ops.linear.m=64,128,256"}, {}});
  for (int round = 0; round < 5; ++round) {
    const TemporaryFolder folder;
    Study study(design.parameters(), shipped_files());
    Store store(folder / "r.sqlite", Store::Mode::write);
    SweepOptions options;
    options.threads = 8;
    const SweepOutcome outcome = run_sweep(design, study, store, options);
    CHECK(outcome.simulated == 3);
    CHECK(outcome.known == 9);
    CHECK(store.counts().points == 3);
  }
}

TEST_CASE("any number of ranks and threads gives the same rows and the same counts") {
  for (const int count : {2, 3, 5}) {
    for (const int threads : {1, 3}) {
      const TemporaryFolder folder;
      SweepOptions options;
      options.threads = threads;
      const Swept swept = sweep_on(count, folder, ranks_design(), options);
      CHECK(swept.error == "");
      CHECK(swept.outcome.finished);
      CHECK(swept.outcome.simulated == 8);
      CHECK(swept.outcome.known == 8);
      CHECK(swept.outcome.left_out == 8);
      CHECK(swept.cost.threads == count * threads);
      CHECK((rows_in(folder) == rows_of_one()));
      CHECK(folder.names() == std::set<std::string>{"r.sqlite"});
    }
  }
}

TEST_CASE("no rank simulates a point that the file has") {
  const TemporaryFolder folder;
  sweep_on(2, folder, ranks_design("h100"));  // another sweep: half of its points are those of the first
  const Swept swept = sweep_on(3, folder, ranks_design());
  CHECK(swept.outcome.simulated == 0);
  CHECK(swept.outcome.known == 16);
  Store store(folder / "r.sqlite", Store::Mode::read);
  CHECK(store.counts().points == 16);
  const auto sweeps = store.sweeps();
  REQUIRE(sweeps.size() == 2);
  const bool found = std::any_of(sweeps.begin(), sweeps.end(),
                                 [&](const auto& each) { return all_of(store, each.first) == rows_of_one(); });
  CHECK(found);
}

TEST_CASE("a sweep that is stopped keeps what was done and goes on from there") {
  const TemporaryFolder folder;
  std::atomic<bool> stop = true;
  SweepOptions options;
  options.stop = &stop;
  const Swept stopped = sweep_on(3, folder, ranks_design(), options);
  CHECK(stopped.error == "");
  CHECK_FALSE(stopped.outcome.finished);
  CHECK(folder.names() == std::set<std::string>{"r.sqlite"});
  const Swept swept = sweep_on(3, folder, ranks_design());
  CHECK(swept.outcome.finished);
  CHECK((rows_in(folder) == rows_of_one()));
}

TEST_CASE("what a rank cannot do ends the sweep with its words, and what the others did is kept") {
  const TemporaryFolder folder;
  const Swept swept =
      sweep_on(3, folder, ranks_design(), {}, [](const auto&) { throw std::runtime_error("the library is not here"); });
  CHECK(swept.error == "the library is not here (rank 1)");
  CHECK(folder.names() == std::set<std::string>{"r.sqlite"});
  CHECK(sweep_on(3, folder, ranks_design()).outcome.finished);
  CHECK((rows_in(folder) == rows_of_one()));
}

TEST_CASE("a rank with a results file that it cannot write") {
  const TemporaryFolder folder;
  const Store busy(folder / "r.sqlite.rank-2", Store::Mode::write);
  const Swept swept = sweep_on(3, folder, ranks_design());
  CHECK(swept.error.find("another sweep is writing to it") != std::string::npos);
  CHECK(swept.error.ends_with(" (rank 2)"));
}

TEST_CASE("ranks that were given different sweeps do not work together") {
  const TemporaryFolder folder;
  const Swept swept = sweep_on(2, folder, ranks_design(), {}, [](const auto& go_on) {
    const sweep::Design design = ranks_design("h100");
    Study study(design.parameters(), shipped_files());
    go_on({design, study});
  });
  CHECK(swept.error.find("rank 1 reads another specification") != std::string::npos);
}

}  // namespace sparsesim
