// The atlas: its cells are physics and do not depend on who computes them or what was remembered.
#include "models/explore/atlas/atlas.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "models/explore/atlas/asking.h"
#include "models/ops/kinds.h"

namespace sparsesim::atlas {
namespace {

const SearchPath& substrates() {
  static const SearchPath path{{SPARSESIM_SOURCE_DIR "/substrates"}};
  return path;
}
Points make_points(sweep::Store* store = nullptr) {
  return Points(substrates(), SearchPath{{SPARSESIM_SOURCE_DIR "/workloads"}}, store);
}
Machine machine_of(const std::string& name) { return machines_of({name}, substrates(), {}).front(); }

std::string scratch(const std::string& name) {
  return std::filesystem::temp_directory_path() / ("sparsesim_atlas" + std::to_string(getpid()) + name);
}
Evidence evidence_from(const std::string& text) {
  const std::string path = scratch(".md");
  std::ofstream(path) << text;
  const auto remove = [&] { std::filesystem::remove(path); };
  try {
    Evidence evidence = Evidence::read(path);
    remove();
    return evidence;
  } catch (...) {
    remove();
    throw;
  }
}

constexpr const char* kScores =
    "| operation | pattern | device | rows | failed | mean | median | p90 | odd ids | even ids | rank correlation |\n"
    "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n"
    "| spmm | block | a100-sxm4-80gb | 62 | 0 |  |  |  |  |  | 0.674 |\n"
    "| spmm | unstructured | a100-sxm4-80gb | 216 | 0 | 8.4 | 7.2 | 16.3 | 8.5 | 8.2 | 0.956 |\n"
    "| moe_ffn | experts | h100-sxm5-80gb | 540 | 0 | 8.2 | 4.8 | 17.5 | 8.2 | 8.2 | 0.996 |\n\n| other |\n";

WeightCell cell_of(const std::string& machine, std::size_t pattern, std::int64_t rows, bool interval = false) {
  static Points points = make_points();
  return weight_cell(points, machine_of(machine), {}, weight_patterns()[pattern], rows, {true, interval});
}

constexpr std::size_t kSingle = 0, kTwoOfFour = 3, kBlocks16 = 8, kBlocks128 = 11;

}  // namespace

TEST_CASE("patterns of the tests are those of the table") {
  CHECK(weight_patterns()[kTwoOfFour].title == "2:4");
  CHECK(weight_patterns()[kBlocks16].title == "16x16");
  CHECK(weight_patterns()[kBlocks128].title == "128x128");
}

TEST_CASE("the page of scores says what was measured where") {
  const Evidence evidence = evidence_from(kScores);
  CHECK(evidence.rows().size() == 3);
  CHECK(evidence.devices() == std::vector<std::string>{"a100-sxm4-80gb", "h100-sxm5-80gb"});
  CHECK(evidence.count({"a100-sxm4-80gb"}, "spmm", "") == 278);
  CHECK(evidence.rows()[0].mean_error < 0);
  const auto machines = machines_of({}, substrates(), evidence);
  const auto known = [&](const std::string& name, const char* op, const char* pattern) {
    for (const Machine& machine : machines)
      if (machine.substrate->name == name) return known_of(machine, evidence, op, pattern);
    FAIL(name);
    return Known::facts;
  };
  CHECK(known("a100-sxm4-80gb", "spmm", "block") == Known::measured);
  CHECK(known("a100-sxm4-40gb", "spmm", "block") == Known::related);  // the same kernels
  CHECK(known("h200-sxm-141gb", "moe_ffn", "") == Known::related);
  CHECK(known("a100-sxm4-80gb", "spmm", "vector") == Known::facts);
  CHECK(known("b200-sxm-180gb", "moe_ffn", "") == Known::facts);
}

TEST_CASE("a page without scores is an error at its place") {
  CHECK_THROWS_AS(evidence_from("# nothing\n"), config::ConfigError);
  std::string broken = kScores;
  broken.replace(broken.find("216"), 3, "many");
  try {
    evidence_from(broken);
    FAIL("accepted");
  } catch (const config::ConfigError& error) {
    CHECK(error.mistakes().front().position.line == 4);
  }
  CHECK_THROWS_AS(Evidence::read(scratch(".none")), config::ConfigError);
}

TEST_CASE("every shipped machine has a place of its own, predecessors stand before") {
  const auto machines = machines_of({}, substrates(), {});
  CHECK(machines.size() == list_substrates(substrates()).size());
  std::set<std::string> labels;
  for (const Machine& machine : machines) {
    CHECK_MESSAGE(labels.insert(machine.label).second, machine.label, " is taken twice");
    if (!machine.predecessor.empty()) CHECK_MESSAGE(labels.contains(machine.predecessor), machine.label);
    if (machine.is_node()) CHECK(machine.predecessor.empty());
  }
  const auto named = machines_of({"mi300x", "a100"}, substrates(), {});
  CHECK(named[1].predecessor == named[0].label);  // as they are given
}

TEST_CASE("twice the speed needs more zeros, and the range holds the break-even") {
  const WeightCell cell = cell_of("h100", kSingle, 16, true);
  REQUIRE(cell.pays);
  REQUIRE(cell.twice);
  CHECK(*cell.twice > *cell.pays);
  REQUIRE(cell.pays_early);
  CHECK(*cell.pays_early <= *cell.pays);
  if (cell.pays_late) CHECK(*cell.pays_late >= *cell.pays);
  CHECK(cell.verdict != Verdict::no_kernel);
}

TEST_CASE("a machine without the pattern has no kernel and says why") {
  const WeightCell cell = cell_of("v100", kTwoOfFour, 16);
  CHECK(cell.verdict == Verdict::no_kernel);
  CHECK(cell.reason.find("v100") != std::string::npos);
  CHECK_FALSE(cell.pays);
}

TEST_CASE("with many rows small blocks need more zeros than large ones") {
  const WeightCell small = cell_of("h100", kBlocks16, 4096), large = cell_of("h100", kBlocks128, 4096);
  REQUIRE(large.pays);
  CHECK((!small.pays || *small.pays > *large.pays));
  CHECK(small.speedup < large.speedup);
}

TEST_CASE("from a machine to itself nothing moves; factors multiply to the step") {
  Points points = make_points();
  const Machine a100 = machine_of("a100"), h100 = machine_of("h100");
  for (const Probe& probe : probes()) {
    const auto same = generation_step(points, a100, a100, probe);
    REQUIRE(same);
    for (const double factor : same->factors) CHECK(factor == doctest::Approx(1));
  }
  const auto step = generation_step(points, a100, h100, probes()[1]);
  REQUIRE(step);
  double product = 1;
  for (const double factor : step->factors) product *= factor;
  CHECK(product == doctest::Approx(step->after / step->before));
}

TEST_CASE("tokens from which experts pay again: more of them do, fewer do not") {
  Points points = make_points();
  const UnitQuestion& question = unit_questions().front();
  const Machine h100 = machine_of("h100");
  const UnitCell cell = unit_cell(points, h100, {}, question);
  REQUIRE(cell.verdict == Payoff::crosses);
  const auto speedup = [&](double tokens) {
    return points.at(h100, at_value(question, tokens, cell.dtype)).realised_speedup;
  };
  CHECK(speedup(cell.crossing) > question.target);
  CHECK(speedup(cell.crossing - question.step) <= question.target);
}

TEST_CASE("every question is of a kind and of a shipped workload") {
  Points points = make_points();
  const Machine a100 = machine_of("a100");
  for (const KindQuestion& question : kind_questions()) {
    const auto& kinds = sparsity_kinds();
    CHECK(std::any_of(kinds.begin(), kinds.end(), [&](const auto& kind) { return kind.name == question.kind; }));
    CHECK_MESSAGE(kind_cell(points, a100, {}, question).runs(), question.title);
  }
}

TEST_CASE("the page depends on neither threads nor memory, and a second one simulates nothing") {
  const std::string file = scratch(".sqlite");
  const auto page = [&](int threads, sweep::Store* store, std::int64_t& simulated) {
    Points points = make_points(store);
    AtlasOptions options;
    options.parts = {Part::units, Part::granules};
    options.threads = threads;
    const auto atlas = make_atlas(machines_of({"rtx-3090", "tpu-v4"}, substrates(), {}), {}, points, options);
    simulated = points.counts().simulated;
    return format_markdown(*atlas);
  };
  std::int64_t alone = 0, first = 0, second = 0;
  const std::string expected = page(1, nullptr, alone);
  {
    sweep::Store store(file, sweep::Store::Mode::write);
    CHECK(page(3, &store, first) == expected);
    CHECK(page(2, &store, second) == expected);
  }
  CHECK(alone == first);
  CHECK(second == 0);
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove(file + suffix);
}

}  // namespace sparsesim::atlas
