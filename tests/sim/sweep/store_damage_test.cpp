// A killed writer, a damaged file, a hostile file: what was written stays, and every failure is one StoreError.

#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include "sim/sweep/store.h"
#include "tests/sim/sweep/store_files.h"

namespace sparsesim::sweep {
namespace {

using Mode = Store::Mode;

std::string read_bytes(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// Adds places from `first` on until it is killed; a byte in the pipe follows each place that is there.
[[noreturn]] void write_until_killed(const std::string& path, int first, int pipe) {
  try {
    Store store(path, Mode::write);
    for (int i = first;; ++i) {
      fill(store, sweep_row(), i, i + 1);
      if (::write(pipe, "x", 1) != 1) break;
    }
  } catch (const std::exception&) {
  }
  ::_exit(1);
}

/// Forks a writer, kills it after a while, and says how many places it said were there.
int places_of_killed_writer(const std::string& path, int first, std::chrono::microseconds life) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) write_until_killed(path, first, ends[1]);
  ::close(ends[1]);
  char byte = 0;
  int places = ::read(ends[0], &byte, 1) == 1 ? 1 : 0;  // it lives
  std::this_thread::sleep_for(life);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  while (::read(ends[0], &byte, 1) == 1) ++places;
  ::close(ends[0]);
  return places;
}

TEST_CASE("kill -9 at any moment: every place that was written is there, whole, and the next writer goes on") {
  const TemporaryFolder folder;
  const std::string path = folder / "r.sqlite";
  std::mt19937 generator(1);
  int written = 0;
  for (int round = 0; round < 12; ++round) {
    const int said = places_of_killed_writer(path, written, std::chrono::microseconds(generator() % 30'000));
    REQUIRE(said > 0);
    Store store(path, Mode::write);
    const auto rows = all_of(store, 1);
    REQUIRE(static_cast<int>(rows.size()) >= written + said);
    REQUIRE(static_cast<int>(rows.size()) <= written + said + 1);  // it may die between the file and the pipe
    written = static_cast<int>(rows.size());
    for (int i = 0; i < written; ++i) REQUIRE(rows[i].second == point_row(i));
  }
  SQLite::Database database(path);
  CHECK(database.execAndGet("PRAGMA integrity_check").getString() == "ok");
  CHECK(database.execAndGet("SELECT count(*) FROM op").getInt() == 2 * written);
}

TEST_CASE("paths that are no results file are refused in one line, and stay as they are") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "folder");
  std::ofstream(folder / "text") << std::string(5000, 'x');
  SQLite::Database(folder / "other", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE t (x)");
  { Store newer(folder / "newer", Mode::write); }
  SQLite::Database(folder / "newer", SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 2");
  struct Case {
    const char *name, *reason;
  };
  for (const Case& each :
       {Case{"folder", "is a folder"}, Case{"text", "no database of sweeps"}, Case{"nowhere/r.sqlite", "no such"},
        Case{"other", "of another program"}, Case{"newer", "newer sparsesim (schema 2, this one knows 1)"}})
    for (const Mode mode : {Mode::read, Mode::write}) {
      CAPTURE(each.name);
      const std::string path = folder / each.name;
      const std::string before = read_bytes(path);
      const std::string error = store_error_of([&] { Store store(path, mode); });
      CHECK(error.starts_with(path + ": "));
      CHECK(error.find(each.reason) != std::string::npos);
      CHECK(error.find('\n') == std::string::npos);
      CHECK(read_bytes(path) == before);
    }
  CHECK(store_error_of([&] { Store store(folder / "none", Mode::read); }) == folder / "none" + ": no such file");
  CHECK(folder.names() == std::set<std::string>{"folder", "text", "other", "newer"});
}

/// Reads all that a file says, then writes to it.
void use(const std::string& path) {
  const auto read_all = [&] {
    Store store(path, Mode::read);
    for (const auto& [number, sweep] : store.sweeps()) all_of(store, number);
  };
  const auto merge_all = [&] {
    Store store(path, Mode::read), target(path + ".merged", Mode::write);
    target.merge(store);
  };
  const auto write_some = [&] {
    Store store(path, Mode::write);
    fill(store, sweep_row(), 0, 50);
  };
  for (const std::string& error : {store_error_of(read_all), store_error_of(merge_all), store_error_of(write_some)})
    CHECK(error.find('\n') == std::string::npos);
}

TEST_CASE("flipped bits and lost ends give a StoreError or rows, never a crash") {
  const TemporaryFolder folder;
  {
    Store store(folder / "good", Mode::write);
    fill(store, sweep_row(), 0, 40);
  }
  const std::string good = read_bytes(folder / "good");
  REQUIRE(good.size() > 8192);
  std::mt19937 generator(2);
  for (int round = 0; round < 250; ++round) {
    std::string bytes = good;
    const std::size_t most = generator() % 2 == 0 ? 200 : bytes.size();  // the header counts most
    for (auto flips = generator() % 6; flips > 0; --flips)
      bytes[generator() % most] ^= static_cast<char>(1 << generator() % 8);
    if (generator() % 3 == 0) bytes.resize(generator() % bytes.size());
    const std::string path = folder / fmt::format("bad{}", round);
    std::ofstream(path, std::ios::binary) << bytes;
    CAPTURE(round);
    use(path);
  }
}

TEST_CASE("a hostile file cannot make us believe, wait or eat memory") {
  const TemporaryFolder folder;
  const std::string path = folder / "r.sqlite";
  const char* endless =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, 'h', i, '[]', 1 FROM n";
  struct Case {
    std::string sql, reason;
  };
  const std::vector<Case> cases{
      {fmt::format("DROP TABLE sweep; CREATE VIEW sweep AS {}", endless), "table \"sweep\""},
      {"DROP TABLE op", "table \"op\""},
      {"UPDATE sweep SET title = hex(zeroblob(1000000))", "a text of more than"},
      {"UPDATE sweep SET parameters = hex(zeroblob(200000))", "no list of texts"},
      {"UPDATE sweep SET parameters = replace(hex(zeroblob(250000)), '0', '[')", "no list of texts"},
      {"UPDATE member SET setting = '[1]'", "no list of texts"},
      {"UPDATE member SET setting = '[\"\xff\"]'", "no list of texts"},
      {"UPDATE member SET point = 'x' WHERE position = 3", "without its point"},
      {"UPDATE member SET setting = '[\"a100\"]' WHERE position = 4",
       "position 4 of sweep \"by rows\" has 1 values for 2 parameters"},
      {"UPDATE sweep SET parameters = '[\"substrate\"]'",
       "position 0 of sweep \"by rows\" has 2 values for 1 parameters"},
      {"UPDATE point SET lost = '[[\"metadata\"]]'", "a waterfall that is none"},
  };
  for (const Case& each : cases) {
    std::filesystem::remove(path);
    {
      Store store(path, Mode::write);
      fill(store, sweep_row(), 0, 5);
    }
    SQLite::Database(path, SQLite::OPEN_READWRITE).exec(each.sql);
    CAPTURE(each.sql);
    const std::string error = store_error_of([&] {
      Store store(path, Mode::read);
      for (const auto& [number, sweep] : store.sweeps()) all_of(store, number);
    });
    CHECK(error.starts_with(path + ": damaged: "));
    CHECK(error.find(each.reason) != std::string::npos);
    std::filesystem::remove(folder / "merged");
    Store target(folder / "merged", Mode::write);
    CHECK(store_error_of([&] {
            Store source(path, Mode::read);
            target.merge(source);
          }) == error);
    CHECK(target.points().empty());
    CHECK(target.sweeps().empty());
  }
}

TEST_CASE("a trigger in a file does nothing") {
  const TemporaryFolder folder;
  const std::string path = folder / "r.sqlite";
  { Store store(path, Mode::write); }
  SQLite::Database(path, SQLite::OPEN_READWRITE)
      .exec("CREATE TRIGGER t AFTER INSERT ON point BEGIN DELETE FROM point; END");
  Store store(path, Mode::write);
  fill(store, sweep_row(), 0, 3);
  CHECK(all_of(store, 1).size() == 3);
}

}  // namespace
}  // namespace sparsesim::sweep
