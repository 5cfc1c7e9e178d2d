// What goes out of a results file: columns, numbers, texts with anything in them, the same bytes whatever came first.

#include "sim/sweep/export.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "sim/stats/csv.h"
#include "tests/sim/sweep/store_files.h"

namespace sparsesim::sweep {
namespace {

using Mode = Store::Mode;
using Rows = std::vector<std::vector<std::string>>;

std::string exported(const std::string& path, ExportTable table, ExportFormat format) {
  Store store(path, Mode::read);
  std::string text;
  export_rows(store, table, format, [&](const std::string& line) { text += line; });
  return text;
}

Rows csv_rows(const std::string& text) {
  CsvReader reader(text, [](int line, int column, const std::string& message, const std::string&) {
    FAIL_CHECK(line << ":" << column << ": " << message);
  });
  Rows rows;
  for (CsvRow row; reader.next(row);) {
    rows.emplace_back();
    for (const CsvField& field : row) rows.back().push_back(field.text);
  }
  return rows;
}

std::vector<nlohmann::json> json_rows(const std::string& text) {
  std::vector<nlohmann::json> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

TEST_CASE("points: title, position, parameters, then what the point has") {
  const TemporaryFolder folder;
  {
    Store store(folder / "r", Mode::write);
    fill(store, sweep_row(), 0, 2);
  }
  const Rows rows = csv_rows(exported(folder / "r", ExportTable::points, ExportFormat::csv));
  REQUIRE(rows.size() == 3);
  CHECK(rows[0] == std::vector<std::string>{"sweep",          "position",       "substrate",        "workload.ops.a.m",
                                            "point",          "substrate_name", "workload_name",    "seed",
                                            "dense_us",       "sparse_us",      "realised_speedup", "ideal_speedup",
                                            "quick_estimate", "coverage",       "bound_dense",      "bound_sparse",
                                            "fallback",       "error",          "lost.metadata",    "lost.fabric"});
  CHECK(rows[1] == std::vector<std::string>{
                       "by rows", "0", "a100", "0",   "0000000000000000", "a100", "pruned", "7", "100",  "50",
                       "2",       "4", "1.5",  "0.5", "tensor",           "dram", "false",  "",  "1.25", "1"});
  CHECK(rows[2][10] == "1.9803921568627452");  // 101 / 51 with all its digits
}

TEST_CASE("ops: a row each, with the place of its point in front") {
  const TemporaryFolder folder;
  {
    Store store(folder / "r", Mode::write);
    fill(store, sweep_row(), 1, 2);
  }
  const Rows rows = csv_rows(exported(folder / "r", ExportTable::ops, ExportFormat::csv));
  CHECK(rows ==
        Rows{{"sweep", "position", "substrate", "workload.ops.a.m", "point", "op", "name", "kind", "pattern", "repeat",
              "dense_us", "sparse_us", "fallback"},
             {"by rows", "1", "a100", "1", "0000000000000001", "0", "a", "spmm", "csr", "2", "101", "51", ""},
             {"by rows", "1", "a100", "1", "0000000000000001", "1", "b", "gemm", "", "1", "0", "0", "no kernel"}});
}

TEST_CASE("JSON lines: numbers are numbers, what is not there is null") {
  const TemporaryFolder folder;
  {
    Store store(folder / "r", Mode::write);
    fill(store, sweep_row("00000000000000aa", "first"), 0, 1);
    PointRow failed;
    failed.hash = "00000000000000ff";
    failed.error = "no kernel";
    store.add(store.add_sweep({"00000000000000bb", "second", {"substrate.memory.l2.capacity"}, 1}),
              {0, failed.hash, {"40 MiB"}}, &failed);
  }
  const auto rows = json_rows(exported(folder / "r", ExportTable::points, ExportFormat::jsonl));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0]["workload.ops.a.m"] == 0);
  CHECK(rows[0]["substrate"] == "a100");
  CHECK(rows[0]["dense_us"] == 100.0);
  CHECK(rows[0]["fallback"] == false);
  CHECK(rows[0]["substrate.memory.l2.capacity"].is_null());
  CHECK(rows[1]["substrate.memory.l2.capacity"] == "40 MiB");
  CHECK(rows[1]["dense_us"].is_null());
  CHECK(rows[1]["lost.metadata"].is_null());
  CHECK(rows[1]["error"] == "no kernel");
}

TEST_CASE("commas, quotes, line ends and letters of any language come through both formats") {
  const std::string odd = "a, \"b\"\r\n'c'\t\xce\xb1\xe2\x82\xac ";
  const TemporaryFolder folder;
  {
    Store store(folder / "r", Mode::write);
    PointRow point = point_row(1);
    point.bound_dense = odd;
    store.add(store.add_sweep({"00000000000000aa", odd, {odd}, 1}), {0, point.hash, {odd}}, &point);
  }
  const auto json = json_rows(exported(folder / "r", ExportTable::points, ExportFormat::jsonl));
  const Rows csv = csv_rows(exported(folder / "r", ExportTable::points, ExportFormat::csv));
  REQUIRE(json.size() == 1);
  REQUIRE(csv.size() == 2);
  CHECK(json[0]["sweep"] == odd);
  CHECK(json[0][odd] == odd);
  CHECK(json[0]["bound_dense"] == odd);
  CHECK(csv[0][2] == odd);
  CHECK(csv[1][0] == odd);
  CHECK(csv[1][2] == odd);
}

TEST_CASE("the bytes do not tell in which order points and sweeps were written, or whether files were merged") {
  const TemporaryFolder folder;
  const SweepRow first = sweep_row("00000000000000aa", "x"), second = sweep_row("00000000000000bb", "x");
  {
    Store in_order(folder / "in order", Mode::write), other(folder / "other", Mode::write);
    fill(in_order, first, 0, 6);
    fill(in_order, second, 3, 9);
    fill(other, second, 5, 9);
    fill(other, first, 1, 6, 2);
    fill(other, second, 3, 5);
    fill(other, first, 0, 6, 2);
    Store a(folder / "a", Mode::write), b(folder / "b", Mode::write), merged(folder / "merged", Mode::write);
    fill(a, second, 3, 9, 2);
    fill(b, first, 0, 6);
    fill(b, second, 4, 9, 2);
    merged.merge(b);
    merged.merge(a);
  }
  for (const ExportTable table : {ExportTable::points, ExportTable::ops})
    for (const ExportFormat format : {ExportFormat::csv, ExportFormat::jsonl}) {
      const std::string bytes = exported(folder / "in order", table, format);
      CHECK(std::count(bytes.begin(), bytes.end(), '\n') >= 12);
      CHECK(bytes == exported(folder / "other", table, format));
      CHECK(bytes == exported(folder / "merged", table, format));
    }
}

TEST_CASE("a setting that does not fit its sweep, and columns without end, are refused") {
  const TemporaryFolder folder;
  {
    Store store(folder / "few", Mode::write), many(folder / "many", Mode::write);
    PointRow point = point_row(0);
    store.add(store.add_sweep(sweep_row()), {0, point.hash, {"a100"}}, &point);
    for (int i = 0; i < 2000; ++i) point.lost.emplace_back(std::to_string(i), 1);
    many.add(many.add_sweep(sweep_row()), {0, point.hash, {"a100", "1"}}, &point);
  }
  const auto error = [&](const char* name) {
    return store_error_of([&] { exported(folder / name, ExportTable::points, ExportFormat::csv); });
  };
  CHECK(error("few") == folder / "few" + ": damaged: position 0 of sweep \"by rows\" has 1 values for 2 parameters");
  CHECK(error("many") == "more than 1000 parameters or terms: too many columns");
}

}  // namespace
}  // namespace sparsesim::sweep
