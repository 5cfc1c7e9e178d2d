#include "validate/compare/report.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "sim/page/page.h"
#include "validate/compare/html_report.h"

using namespace sparsesim;

namespace {

const std::string kHostile = "</script><script>alert(1)</script>|[x](javascript:y)`&'\"";

Comparison one_row(const std::string& id) {
  Comparison c;
  ComparedRow row;
  row.file = "some.csv";
  row.measured.id = id;
  row.measured.device = "machine";
  row.measured.op.op = "spmm";
  row.measured.op.pattern = "block";
  row.measured.op.m = 64;
  row.measured.op.n = 128;
  row.measured.op.k = 256;
  row.measured.note = id;
  row.measured.time_us = 10;
  row.measured.speedup = 2.0;
  row.predicted.time_us = 12;
  row.predicted.speedup = 1.25;
  row.predicted.bound = "dram";
  row.predicted.lost = {{"dense_efficiency", 1.6}, {"imbalance", 1.5}};  // 3x ideal
  c.rows.push_back(row);
  c.substrates = {"machine"};
  c.version = "1";
  return c;
}

}  // namespace

TEST_CASE("the page's data are the rows: names by index, times and speedups, terms of the waterfall") {
  const auto data = nlohmann::json::parse(report_data(one_row("r1")));
  std::map<std::string, nlohmann::json> row;
  for (std::size_t i = 0; i < data["columns"].size(); ++i) row[data["columns"][i]] = data["rows"][0][i];
  CHECK(row["id"] == "r1");
  CHECK(data["names"]["device"][row["device"].get<std::size_t>()] == "machine");
  CHECK(row["sizes"] == "64 x 128 x 256");
  CHECK(row["predicted_us"] == 12);
  CHECK(row["measured_x"] == 2);
  CHECK(data["names"]["term"][row["lost"][1][0].get<std::size_t>()] == "imbalance");
  CHECK(row["lost"][1][1] == 1.5);
  CHECK(data["changes"].is_null());
}

TEST_CASE("no text of a file can end the element that holds the data, and none is changed") {
  const std::string text = json_in_page(report_data(one_row(kHostile)));
  CHECK(text.find('<') == std::string::npos);
  CHECK(nlohmann::json::parse(text)["rows"][0][0] == kHostile);
}

TEST_CASE("bytes that are no UTF-8 leave the data readable") {
  CHECK(nlohmann::json::accept(report_data(one_row("a\xff"))));
}

TEST_CASE("a failed row has a reason and no prediction") {
  Comparison c = one_row("r1");
  c.rows[0].predicted = {};
  c.rows[0].predicted.failed = true;
  c.rows[0].predicted.reason = "no kernel";
  const auto data = nlohmann::json::parse(report_data(c));
  CHECK(data["names"]["reason"][0] == "no kernel");
  CHECK(data["rows"][0][9].is_null());
}

TEST_CASE("the report for review has the waterfall, who wins, and nothing that Markdown would take for markup") {
  Comparison c = one_row(kHostile);
  const std::string page = markdown_report(c);
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("[x](") == std::string::npos);
  CHECK(page.find("| measured faster") == std::string::npos);
  CHECK(page.find("| faster than dense | ") != std::string::npos);
  CHECK(page.find("| 1.60 | 1.50 |") != std::string::npos);
  CHECK(page.find("## Changes") == std::string::npos);
  c.changes = compare_with_baseline(c.rows, {"old.json", "0", "x", {}});
  CHECK(markdown_report(c).find("## Changes against the baseline") != std::string::npos);
}

TEST_CASE("who wins is counted by measured outcome and predicted side") {
  auto rows = std::vector<ComparedRow>(4, one_row("r").rows[0]);  // measured 2x, predicted 1.25x
  rows[1].predicted.speedup = 0.8;
  rows[2].measured.speedup = 1.05;
  rows[3].measured.speedup = 0.5;
  const SignMatrix m = sign_matrix(rows);
  CHECK(m.rows[SignMatrix::kWin] == std::array<int, 2>{1, 1});
  CHECK(m.rows[SignMatrix::kNoWinner] == std::array<int, 2>{1, 0});
  CHECK(m.rows[SignMatrix::kLoss] == std::array<int, 2>{1, 0});
}
