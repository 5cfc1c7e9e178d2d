// The data of a sweep's page: every value of every point, texts with anything in them, limits.

#include "sim/sweep/sweep_page.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/sim/sweep/store_files.h"

namespace sparsesim::sweep {
namespace {

using nlohmann::json;
using StoreMode = Store::Mode;

/// A column as the page reads it.
std::vector<json> expanded(const json& column, std::size_t count) {
  if (column.is_array()) return column;
  if (column.contains("value")) return std::vector<json>(count, column["value"]);
  std::vector<json> out;
  for (const std::size_t i : column["index"]) out.push_back(column["values"][i]);
  return out;
}

json data_of(const std::string& path, std::string_view hash = {}) {
  Store store(path, StoreMode::read);
  return json::parse(page_data(store, hash));
}

std::string mistake_of(const std::string& path) {
  try {
    data_of(path);
  } catch (const StoreError& error) {
    CHECK(error.bad_input);
    return error.what();
  }
  return "";
}

TEST_CASE("columns hold every point, whether their values repeat or not") {
  const TemporaryFolder folder;
  constexpr int kPoints = 9;
  {
    Store store(folder / "r", StoreMode::write);
    fill(store, sweep_row(), 0, kPoints);
  }
  const json sweep = data_of(folder / "r")["sweeps"][0];
  CHECK(sweep["points"] == kPoints);
  CHECK(sweep["planned"] == 100);
  const auto column = [&](const char* name) { return expanded(sweep["columns"][name], kPoints); };
  const json& rows = sweep["parameters"][1];
  CHECK(rows["path"] == "workload.ops.a.m");
  for (int i = 0; i < kPoints; ++i) {
    const PointRow point = point_row(i);
    CHECK(column("position")[i] == i);
    CHECK(column("dense_us")[i] == point.dense_us);
    CHECK(column("sparse_us")[i] == point.sparse_us);
    CHECK(column("bound_sparse")[i] == point.bound_sparse);
    CHECK(column("error")[i].is_null());
    CHECK(rows["values"][rows["index"][i].get<std::size_t>()] == std::to_string(i));
    CHECK(rows["numbers"][rows["index"][i].get<std::size_t>()] == i);
    for (std::size_t t = 0; t < point.lost.size(); ++t) {
      CHECK(sweep["terms"][t] == point.lost[t].first);
      CHECK(expanded(sweep["factors"][t], kPoints)[i].get<double>() == doctest::Approx(point.lost[t].second));
    }
  }
}

TEST_CASE("a parameter has numbers where all its values are, in SI units") {
  const TemporaryFolder folder;
  {
    Store store(folder / "r", StoreMode::write);
    const auto sweep = store.add_sweep(sweep_row());
    const PointRow point = point_row(0);
    store.add(sweep, {0, point.hash, {"1 KiB", "a"}}, &point);
    store.add(sweep, {1, point.hash, {"2 KiB", "3"}}, nullptr);
  }
  const json parameters = data_of(folder / "r")["sweeps"][0]["parameters"];
  CHECK(parameters[0]["numbers"] == json{1024, 2048});
  CHECK(parameters[1]["numbers"].is_null());
}

TEST_CASE("a point without times has none and says why; its neighbours keep their terms") {
  const TemporaryFolder folder;
  {
    Store store(folder / "r", StoreMode::write);
    const auto sweep = store.add_sweep(sweep_row());
    PointRow failed;
    failed.hash = "00000000000000ff";
    failed.error = "no kernel </script>";
    store.add(sweep, {0, failed.hash, {"a100", "1"}}, &failed);
    const PointRow point = point_row(1);
    store.add(sweep, {1, point.hash, {"a100", "2"}}, &point);
  }
  const json sweep = data_of(folder / "r")["sweeps"][0];
  CHECK(expanded(sweep["columns"]["error"], 2)[0] == "no kernel </script>");
  CHECK(expanded(sweep["columns"]["dense_us"], 2) == std::vector<json>{nullptr, 101.0});
  CHECK(expanded(sweep["factors"][0], 2)[0].is_null());
  CHECK(expanded(sweep["factors"][0], 2)[1] == 1.25);
}

TEST_CASE("one sweep of a file, or all of them; a file without sweeps is a page without") {
  const TemporaryFolder folder;
  {
    Store store(folder / "r", StoreMode::write);
    CHECK(json::parse(page_data(store))["sweeps"].empty());
    fill(store, sweep_row("00000000000000aa", "first"), 0, 2);
    fill(store, sweep_row("00000000000000bb", "second"), 2, 3);
  }
  CHECK(data_of(folder / "r")["sweeps"].size() == 2);
  const json second = data_of(folder / "r", "00000000000000bb")["sweeps"];
  REQUIRE(second.size() == 1);
  CHECK(second[0]["title"] == "second");
}

TEST_CASE("more terms than any waterfall has are refused") {
  const TemporaryFolder folder;
  {
    Store store(folder / "r", StoreMode::write);
    const auto sweep = store.add_sweep(sweep_row());
    PointRow point = point_row(0);
    for (std::size_t i = 0; i <= kPageTermsMost; ++i) point.lost.emplace_back("term" + std::to_string(i), 1);
    store.add(sweep, {0, point.hash, {"a100", "1"}}, &point);
  }
  CHECK(mistake_of(folder / "r").find("terms") != std::string::npos);
}

TEST_CASE("a place with too few values is damage") {
  const TemporaryFolder folder;
  {
    Store store(folder / "r", StoreMode::write);
    const auto sweep = store.add_sweep(sweep_row());
    const PointRow point = point_row(0);
    store.add(sweep, {0, point.hash, {"a100"}}, &point);
  }
  CHECK(mistake_of(folder / "r").find("damaged") != std::string::npos);
}

}  // namespace
}  // namespace sparsesim::sweep
