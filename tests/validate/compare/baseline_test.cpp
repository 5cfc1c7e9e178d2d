#include "validate/compare/baseline.h"

#include <doctest/doctest.h>

#include "sim/config/node.h"

using namespace sparsesim;

namespace {

ComparedRow now(const std::string& id, const std::string& pattern, double measured, double predicted) {
  ComparedRow out;
  out.file = "some.csv";
  out.measured.id = id;
  out.measured.device = "a";
  out.measured.op.op = "spmm";
  out.measured.op.pattern = pattern;
  out.measured.time_us = measured;
  out.predicted.time_us = predicted;
  return out;
}

BaselineRow old(const std::string& id, const std::string& pattern, double measured, std::optional<double> predicted) {
  BaselineRow out;
  out.id = id;
  out.file = "some.csv";
  out.device = "a";
  out.op = "spmm";
  out.pattern = pattern;
  out.measured_us = measured;
  out.predicted_us = predicted;
  return out;
}

std::string refusal(const std::string& text) {
  try {
    read_baseline_text(text, "old.json");
  } catch (const config::ConfigError& error) {
    REQUIRE(error.mistakes().size() == 1);
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a family that got better and one that got worse are both seen, and their sum") {
  // block: errors 20 and 10 % become 10 and 10 %; vector: 10 % becomes 40 %.
  const Baseline before{
      "old.json", "1", "x", {old("1", "block", 100, 120), old("2", "block", 100, 90), old("3", "vector", 100, 110)}};
  const Changes c = compare_with_baseline(
      {now("1", "block", 100, 90), now("2", "block", 100, 110), now("3", "vector", 100, 60)}, before);
  REQUIRE(c.families.size() == 3);
  CHECK(c.families[0].op == "*");
  CHECK(*c.families[0].time.before == doctest::Approx((20.0 + 10.0 + 10.0) / 3));
  CHECK(*c.families[0].time.after == doctest::Approx((10.0 + 10.0 + 40.0) / 3));
  CHECK(c.families[0].time.better == 1);
  CHECK(c.families[0].time.worse == 1);
  CHECK(c.families[1].pattern == "block");
  CHECK(*c.families[1].time.after == doctest::Approx(10.0));
  CHECK(c.families[2].pattern == "vector");
  CHECK(c.families[2].time.worse == 1);
  REQUIRE(c.better.size() == 1);
  CHECK(c.better[0].id == "1");
  REQUIRE(c.worse.size() == 1);
  CHECK(c.worse[0].by() == doctest::Approx(30.0));
}

TEST_CASE("a comparison with itself changes nothing") {
  const Baseline before{"old.json", "1", "x", {old("1", "block", 100, 120)}};
  const Changes c = compare_with_baseline({now("1", "block", 100, 120)}, before);
  CHECK(c.common == 1);
  CHECK(c.better.empty());
  CHECK(c.worse.empty());
  CHECK(*c.families[0].time.before == *c.families[0].time.after);
}

TEST_CASE("rows that were measured anew, came or went say nothing about the models") {
  const Baseline before{"old.json", "1", "x", {old("1", "block", 100, 120), old("2", "block", 50, 60)}};
  const Changes c = compare_with_baseline({now("1", "block", 101, 120), now("3", "block", 100, 10)}, before);
  CHECK(c.common == 0);
  CHECK(c.measured_anew == 1);
  CHECK(c.only_before == 1);
  CHECK(c.only_after == 1);
  CHECK(c.families[0].time.rows == 0);
}

TEST_CASE("a row that fails now or failed before is counted and has no error to compare") {
  auto failed = now("1", "block", 100, 0);
  failed.predicted.failed = true;
  const Baseline before{"old.json", "1", "x", {old("1", "block", 100, 120), old("2", "block", 100, std::nullopt)}};
  const Changes c = compare_with_baseline({failed, now("2", "block", 100, 120)}, before);
  CHECK(c.families[0].failed_before == 1);
  CHECK(c.families[0].failed_after == 1);
  CHECK(c.families[0].time.rows == 0);
}

TEST_CASE("the ten largest changes each way are listed, the largest first") {
  Baseline before{"old.json", "1", "x", {}};
  std::vector<ComparedRow> rows;
  for (int i = 0; i < 30; ++i) {
    before.rows.push_back(old(std::to_string(i), "block", 100, 150));
    rows.push_back(now(std::to_string(i), "block", 100, i < 15 ? 101 + i : 160 + i));
  }
  const Changes c = compare_with_baseline(rows, before);
  REQUIRE(c.better.size() == kLargestChanges);
  REQUIRE(c.worse.size() == kLargestChanges);
  CHECK(c.better.front().id == "0");  // 50 % to 1 %
  CHECK(c.worse.front().id == "29");  // 50 % to 89 %
  CHECK(c.families[0].time.better == 15);
}

TEST_CASE("a speedup is compared too, and the winner") {
  auto row = now("1", "block", 100, 100);
  row.measured.speedup = 2.0;
  row.predicted.speedup = 1.5;
  BaselineRow was = old("1", "block", 100, 100);
  was.measured_speedup = 2.0;
  was.predicted_speedup = 0.5;
  const Changes c = compare_with_baseline({row}, {"old.json", "1", "x", {was}});
  CHECK(*c.families[0].speedup.before == doctest::Approx(75.0));
  CHECK(*c.families[0].speedup.after == doctest::Approx(25.0));
  CHECK(*c.families[0].winner_before == 0.0);
  CHECK(*c.families[0].winner_after == 100.0);
  CHECK(changes_table(c).find("75.0 → 25.0") != std::string::npos);
}

TEST_CASE("an earlier result is read, unknown keys and all") {
  const Baseline b = read_baseline_text(
      R"({"rows": [{"id": "1", "file": "f", "device": "d", "op": "gemm", "pattern": "dense", "predicted_us": null,
          "measured_us": 3.5, "later": []}], "provenance": {"version": "7", "inputs_hash": "ab"}})",
      "some/old.json");
  CHECK(b.name == "old.json");
  CHECK(b.version == "7");
  REQUIRE(b.rows.size() == 1);
  CHECK_FALSE(b.rows[0].predicted_us);
  CHECK(*b.rows[0].measured_us == 3.5);
}

TEST_CASE("what is no earlier result is refused with one mistake and its place") {
  CHECK(refusal("").find("no JSON") != std::string::npos);
  CHECK(refusal("{\n \"rows\": [}").find("old.json:2:11") != std::string::npos);
  CHECK(refusal("[1]").find("no list of \"rows\"") != std::string::npos);
  CHECK(refusal("{\"rows\": 3}").find("no list of \"rows\"") != std::string::npos);
  CHECK(refusal("{\"rows\": [3]}").find("row 1 is no object") != std::string::npos);
  CHECK(refusal("{\"rows\": [{\"id\": 3}]}").find("row 1 has no text \"id\"") != std::string::npos);
  const std::string names = R"("id": "1", "file": "f", "device": "d", "op": "o", "pattern": "p")";
  CHECK(refusal("{\"rows\": [{" + names + ", \"measured_us\": -1}]}").find("no positive number") != std::string::npos);
  CHECK(refusal("{\"rows\": [{" + names + "}, {" + names + "}]}").find("row 2 is there twice") != std::string::npos);
  CHECK(refusal("{\"rows\": [{" + names + ", \"measured_us\": 1e999}]}").find("out of range") != std::string::npos);
  CHECK(refusal(std::string(100, '[')).find("nested deeper") != std::string::npos);
}
