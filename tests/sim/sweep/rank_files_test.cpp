// Files of ranks: found beside the results file, taken over whole, then gone.

#include "sim/sweep/rank_files.h"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/sim/sweep/store_files.h"

namespace sparsesim::sweep {
namespace {

using Mode = Store::Mode;

TEST_CASE("files of ranks are found by name, in the order of their numbers") {
  const TemporaryFolder folder;
  for (const char* name :
       {"r.sqlite", "r.sqlite.rank-10", "r.sqlite.rank-2", "r.sqlite.rank-2-wal", "r.sqlite.rank-2.lock",
        "r.sqlite.rank-0", "r.sqlite.rank-", "r.sqlite.rank--1", "q.sqlite.rank-1", "r.sqlite.rank-1x"})
    std::ofstream(folder / name);
  CHECK(rank_files(folder / "r.sqlite") ==
        std::vector<std::string>{folder / "r.sqlite.rank-2", folder / "r.sqlite.rank-10"});
  CHECK(rank_file("r.sqlite", 2) == "r.sqlite.rank-2");
  CHECK(rank_files(folder / "nowhere/r.sqlite").empty());
}

TEST_CASE("a file that is taken over leaves nothing behind and nothing out") {
  const TemporaryFolder folder;
  Store all(folder / "r.sqlite", Mode::write);
  fill(all, sweep_row(), 0, 30, 2);
  {
    Store part(folder / "r.sqlite.rank-1", Mode::write);
    fill(part, sweep_row(), 1, 30, 2);
    fill(part, sweep_row(), 0, 3);  // two ranks may come to the same point
  }
  CHECK(take_over(all, {folder / "r.sqlite.rank-1"}) == 15);
  CHECK(folder.names() == std::set<std::string>{"r.sqlite", "r.sqlite-shm", "r.sqlite-wal", "r.sqlite.lock"});
  CHECK(all.counts().points == 30);
  CHECK(all.counts().failed == 0);
  CHECK(all.points().size() == 30);
  CHECK(all.points().front() == point_row(0).hash);
}

TEST_CASE("a rank that was killed when it had made its file, or less, leaves a file that is taken over") {
  const TemporaryFolder folder;
  Store all(folder / "r.sqlite", Mode::write);
  std::ofstream(folder / "r.sqlite.rank-1");
  { Store(folder / "r.sqlite.rank-2", Mode::write); }
  CHECK(take_over(all, rank_files(folder / "r.sqlite")) == 0);
  CHECK(rank_files(folder / "r.sqlite").empty());
}

TEST_CASE("a file that a rank still writes to, or that is none, stays where it is") {
  const TemporaryFolder folder;
  Store all(folder / "r.sqlite", Mode::write);
  Store busy(folder / "r.sqlite.rank-1", Mode::write);
  CHECK(store_error_of([&] { take_over(all, {folder / "r.sqlite.rank-1"}); }).find("another sweep") !=
        std::string::npos);
  std::ofstream(folder / "r.sqlite.rank-2") << std::string(5000, 'x');
  CHECK(store_error_of([&] { take_over(all, {folder / "r.sqlite.rank-2"}); }).find("no database of sweeps") !=
        std::string::npos);
  CHECK(rank_files(folder / "r.sqlite").size() == 2);
  std::ofstream(folder / "r.sqlite.rank-3");
  CHECK_THROWS_AS(take_over(all, {folder / "r.sqlite.rank-3", folder / "r.sqlite.rank-2"}), StoreError);
  CHECK(rank_files(folder / "r.sqlite").size() == 3);
}

}  // namespace
}  // namespace sparsesim::sweep
