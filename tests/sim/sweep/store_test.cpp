// What goes into a results file comes out again; one writer, any number of readers; merging is a union.

#include "sim/sweep/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/sim/sweep/store_files.h"

namespace sparsesim::sweep {
namespace {

using Mode = Store::Mode;
using Names = std::set<std::string>;

TEST_CASE("a file gives back what was written, in order of position") {
  const TemporaryFolder folder;
  {
    Store store(folder / "r.sqlite", Mode::write);
    fill(store, sweep_row(), 4, 8);
    fill(store, sweep_row(), 0, 4);
    CHECK(store.has(point_row(7).hash));
    CHECK_FALSE(store.has(point_row(8).hash));
  }
  Store store(folder / "r.sqlite", Mode::read);
  REQUIRE(store.sweeps().size() == 1);
  const auto [number, sweep] = store.sweeps()[0];
  CHECK(sweep == sweep_row());
  CHECK(store.positions(number) == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7});
  const auto rows = all_of(store, number);
  REQUIRE(rows.size() == 8);
  for (int i = 0; i < 8; ++i) {
    CHECK(rows[i].first == member_row(i));
    CHECK(rows[i].second == point_row(i));
  }
}

TEST_CASE("texts and numbers survive whatever is in them") {
  const TemporaryFolder folder;
  Store store(folder / "r.sqlite", Mode::write);
  const SweepRow sweep{"00000000000000aa", "a, \"b\"\n'c'; DROP TABLE point; -- \xce\xb1", {"p,\"q\"\n", ""}, 1};
  PointRow point = point_row(1);
  point.seed = UINT64_MAX;
  point.dense_us = 0.1 + 0.2;  // 17 digits
  point.sparse_us = 5e-324;
  point.ops[0].name = "line\nend, \"quote\", \xe2\x82\xac";
  point.lost = {{"\"\\", 1e300}};
  const MemberRow member{0, point.hash, {"40 MiB", "a\"b,c\n"}};
  store.add(store.add_sweep(sweep), member, &point);
  CHECK(store.sweeps()[0].second == sweep);
  const auto rows = all_of(store, store.sweeps()[0].first);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].first == member);
  CHECK(rows[0].second == point);
}

TEST_CASE("a point that cannot run has its reason and no times") {
  const TemporaryFolder folder;
  {
    Store store(folder / "r.sqlite", Mode::write);
    PointRow point;
    point.hash = "00000000000000ff";
    point.error = "no kernel";
    store.add(store.add_sweep(sweep_row()), {0, point.hash, {"a100", "1"}}, &point);
    CHECK(all_of(store, 1)[0].second == point);
  }
  SQLite::Database database(folder / "r.sqlite");
  CHECK(database.execAndGet("SELECT count(*) FROM point WHERE dense_us IS NULL AND error <> ''").getInt() == 1);
}

TEST_CASE("a point of two sweeps is there once, and a place that is written again has the newer point") {
  const TemporaryFolder folder;
  Store store(folder / "r.sqlite", Mode::write);
  fill(store, sweep_row("00000000000000aa", "first"), 0, 3);
  fill(store, sweep_row("00000000000000bb", "second"), 0, 3);
  const std::int64_t first = store.add_sweep(sweep_row("00000000000000aa", "first"));
  CHECK(store.sweeps().size() == 2);
  PointRow newer = point_row(9);
  store.add(first, {1, newer.hash, {"a100", "1"}}, &newer);
  CHECK(all_of(store, first)[1].second == newer);
  store.add(first, {1, point_row(0).hash, {"a100", "1"}}, nullptr);
  CHECK(all_of(store, first)[1].second == point_row(0));
}

TEST_CASE("one writer at a time; nothing but the file is left behind") {
  const TemporaryFolder folder;
  std::filesystem::create_symlink(folder / "r.sqlite", folder / "other name");
  {
    Store store(folder / "r.sqlite", Mode::write);
    fill(store, sweep_row(), 0, 1);
    for (const char* name : {"r.sqlite", "other name"})
      CHECK(store_error_of([&] { Store second(folder / name, Mode::write); }).find("another sweep is writing to it") !=
            std::string::npos);
  }
  CHECK(folder.names() == Names{"r.sqlite", "other name"});
  std::ofstream(folder / "r.sqlite.lock");  // what a killed writer leaves
  { Store store(folder / "r.sqlite", Mode::write); }
  { Store store(folder / "r.sqlite", Mode::read); }
  CHECK(folder.names() == Names{"r.sqlite", "other name"});
  std::ofstream(folder / "r.sqlite.lock") << "somebody's text";
  CHECK(store_error_of([&] { Store store(folder / "r.sqlite", Mode::write); }).find("in the way") != std::string::npos);
  CHECK(std::filesystem::file_size(folder / "r.sqlite.lock") > 0);
}

TEST_CASE("a reader beside a writer sees one moment of it") {
  const TemporaryFolder folder;
  Store writer(folder / "r.sqlite", Mode::write);
  fill(writer, sweep_row(), 0, 3);
  Store reader(folder / "r.sqlite", Mode::read);
  CHECK(reader.positions(1).size() == 3);
  fill(writer, sweep_row(), 3, 5);
  CHECK(reader.positions(1).size() == 3);
  Store later(folder / "r.sqlite", Mode::read);
  CHECK(later.positions(1).size() == 5);
  CHECK_FALSE(store_error_of([&] { later.add_sweep(sweep_row("00000000000000cc", "x")); }).empty());
}

TEST_CASE("another program that holds SQLite's lock is waited for, then named") {
  const TemporaryFolder folder;
  Store store(folder / "r.sqlite", Mode::write);
  fill(store, sweep_row(), 0, 1);
  SQLite::Database other(folder / "r.sqlite", SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  CHECK(
      store_error_of([&] { fill(store, sweep_row(), 1, 2); }).ends_with("r.sqlite: another program is writing to it"));
  other.exec("COMMIT");
  fill(store, sweep_row(), 1, 2);
  CHECK(store.positions(1).size() == 2);
}

/// Merges files by name into a new one and says what it holds.
std::vector<std::pair<MemberRow, PointRow>> merged(const TemporaryFolder& folder,
                                                   const std::vector<std::string>& names) {
  const std::string target = folder / "merged.sqlite";
  std::filesystem::remove(target);
  Store all(target, Mode::write);
  for (const std::string& name : names) {
    Store part(folder / name, Mode::read);
    all.merge(part);
  }
  std::vector<std::pair<MemberRow, PointRow>> rows;
  for (const auto& [number, sweep] : all.sweeps()) {
    CHECK(sweep.title == (sweep.hash == "00000000000000aa" ? "a title" : "c"));
    for (const auto& row : all_of(all, number)) rows.push_back(row);
  }
  return rows;
}

TEST_CASE("merging is a union: in any order, any number of times") {
  const TemporaryFolder folder;
  {
    Store a(folder / "a", Mode::write), b(folder / "b", Mode::write), c(folder / "c", Mode::write);
    fill(a, sweep_row("00000000000000aa", "b title"), 0, 6, 2);
    fill(b, sweep_row("00000000000000aa", "a title"), 1, 6, 2);
    fill(b, sweep_row("00000000000000aa", "a title"), 0, 1);  // a place of both
    fill(c, sweep_row("00000000000000cc", "c"), 0, 2);
  }
  const auto union_of_all = merged(folder, {"a", "b", "c"});
  CHECK(union_of_all.size() == 6 + 2);
  CHECK(union_of_all == merged(folder, {"c", "b", "a"}));
  CHECK(union_of_all == merged(folder, {"b", "a", "b", "c", "a", "c"}));
  Store all(folder / "merged.sqlite", Mode::write), again(folder / "a", Mode::read);
  CHECK(all.merge(again) == 0);
}

TEST_CASE("two points at one place cannot be merged, and nothing of the second file is taken") {
  const TemporaryFolder folder;
  Store a(folder / "a", Mode::write), b(folder / "b", Mode::write);
  fill(a, sweep_row(), 0, 2);
  fill(b, sweep_row(), 2, 4);
  const PointRow other = point_row(99);
  b.add(1, {1, other.hash, {"a100", "1"}}, &other);
  CHECK(store_error_of([&] { a.merge(b); }).find("position 1 of sweep \"by rows\"") != std::string::npos);
  CHECK(a.positions(1).size() == 2);
  CHECK_FALSE(a.has(other.hash));
}

}  // namespace
}  // namespace sparsesim::sweep
