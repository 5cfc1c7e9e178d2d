// The head `fingerprint:` of a measured machine, constants in place of the library's, and files made whole.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "models/substrate/complete.h"
#include "models/substrate/fingerprint.h"
#include "models/substrate/head_reader.h"
#include "models/substrate/schema.h"
#include "tests/models/substrate/folder.h"

using namespace sparsesim;

namespace {

const std::string kHeadSources = "sources: {this-machine: a test}\n";
const std::string kCost = "{value: 2 ns, kind: measured, source: this-machine, low: 1 ns, high: 3 ns}";
const std::string kHead = R"(fingerprint:
  backend: cpu
  device: "a \"processor\", 2 cores"
  date: 2026-11-21
  clock: "3 GHz"
  versions: {oneDNN: 2.6.3}
  missing: {power: no counters}
  granules:
    - {name: cache line, size: 64, unit: B, cost: )" +
                          kCost +
                          R"(, remark: "from DRAM, alone"}
  curves:
    - name: latency
      title: one load after the other
      x: B
      y: ns
      points:
        - [1024, 1, 1.5, 2]
        - [2048, 3, 3, 3]
)";

Substrate load_file(const Folder& folder, const std::string& text) {
  return load_substrate(folder.write("mine.yaml", text), folder.search());
}

std::string head_mistakes(const std::string& text) {
  const Folder folder;
  try {
    load_file(folder, text);
  } catch (const config::ConfigError& error) {
    return error.what();
  }
  return {};
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

bool same(const CurvePoint& a, const CurvePoint& b) {
  return a.x == b.x && a.p10 == b.p10 && a.p50 == b.p50 && a.p90 == b.p90;
}

}  // namespace

TEST_CASE("the measured head is kept by dump and read back to the same values") {
  const Folder folder;
  const Substrate first = load_file(folder, "base: a100\n" + kHead + kHeadSources);
  const Substrate again = load_file(folder, dump_substrate(first));
  for (const Substrate* s : {&first, &again}) {
    const MeasuredHead& head = s->fingerprint;
    CHECK(head.backend == "cpu");
    CHECK(head.device == "a \"processor\", 2 cores");
    CHECK(head.date == "2026-11-21");
    CHECK(head.versions.at("oneDNN") == "2.6.3");
    CHECK(head.missing.at("power") == "no counters");
    REQUIRE(head.granules.size() == 1);
    CHECK(head.granules[0].size == 64);
    CHECK(head.granules[0].cost.value == 2e-9);
    CHECK(head.granules[0].cost.high == 3e-9);
    REQUIRE(head.curves.size() == 1);
    REQUIRE(head.curves[0].points.size() == 2);
    CHECK(same(head.curves[0].points[0], {1024, 1, 1.5, 2}));
  }
  CHECK(dump_substrate(first) == dump_substrate(again));
}

TEST_CASE("a machine that was not measured has no head") {
  const Folder folder;
  const Substrate plain = load_file(folder, "base: a100\n");
  CHECK_FALSE(plain.fingerprint.given());
  CHECK(dump_substrate(plain).find("fingerprint:") == std::string::npos);
}

TEST_CASE("the head in docs/fingerprint.md loads as it stands") {
  std::ifstream file(SPARSESIM_SOURCE_DIR "/docs/fingerprint.md");
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::string fence = "```yaml\n";
  const std::size_t begin = page.find(fence);
  REQUIRE(begin != std::string::npos);
  const std::string example = page.substr(begin + fence.size(), page.find("```\n", begin + 1) - begin - fence.size());
  const Folder folder;
  const Substrate mine = load_file(folder, "base: a100\n" + example + kHeadSources);
  CHECK(mine.fingerprint.granules.size() == 1);
  CHECK(mine.fingerprint.curves.size() == 1);
}

TEST_CASE("show prints granules and curves of the head") {
  const Folder folder;
  const std::string text = fingerprint_table(load_file(folder, "base: a100\n" + kHead + kHeadSources));
  CHECK(text.find("measured on 2026-11-21 (cpu)") != std::string::npos);
  CHECK(text.find("cache line        64 B  2 ns  1 ns .. 3 ns  from DRAM, alone") != std::string::npos);
  CHECK(text.find("1 KiB: 1.5  2 KiB: 3") != std::string::npos);
  CHECK(text.find("not measured: power: no counters") != std::string::npos);
}

TEST_CASE("mistakes in the head are named") {
  struct Case {
    const char* what;
    const char* by;
    const char* message;
  };
  const Case cases[] = {
      {"backend: cpu", "backend: tpu", "backend"},
      {"date: 2026-11-21", "date: yesterday", "date must be YYYY-MM-DD"},
      {"date: 2026-11-21", "date: 2026-13-21", "date must be YYYY-MM-DD"},
      {"clock: \"3 GHz\"", "clocks: \"3 GHz\"", "did you mean \"clock\""},
      {"size: 64", "size: -64", "size"},
      {"value: 2 ns", "value: 2 GB", "2 GB"},
      {"low: 1 ns", "low: 2.5 ns", "low is above value"},
      {"source: this-machine", "source: that-machine", "not listed in sources"},
      {"[2048, 3, 3, 3]", "[2048, 3, 3]", "a point is [x, p10, p50, p90]"},
      {"[2048, 3, 3, 3]", "[1024, 3, 3, 3]", "x must rise"},
      {"[2048, 3, 3, 3]", "[2048, 3, 2, 3]", "p10 <= p50 <= p90"},
      {"[2048, 3, 3, 3]", "[2048, 3, three, 3]", "three"},
      {"name: latency", "name: La tency", "name must be"},
      {"name: cache line", "nme: cache line", "name"},
  };
  CHECK(head_mistakes("base: a100\n" + kHead + kHeadSources).empty());
  for (const Case& c : cases) {
    CAPTURE(c.by);
    CHECK(head_mistakes("base: a100\n" + replaced(kHead, c.what, c.by) + kHeadSources).find(c.message) !=
          std::string::npos);
  }
  CHECK(head_mistakes("base: a100\nfingerprint: [1]\n").find("fingerprint must be a map") != std::string::npos);
}

TEST_CASE("a curve has at most as many points as the schema allows") {
  std::string points;
  for (int i = 0; i <= kMostCurvePoints; ++i) points += "        - [" + std::to_string(i + 4096) + ", 1, 1, 1]\n";
  CHECK(head_mistakes("base: a100\n" + kHead + points + kHeadSources).find("points must be a list of 1 to 4096") !=
        std::string::npos);
  const nlohmann::json schema = nlohmann::json::parse(substrate_schema());
  const nlohmann::json& head = schema.at("properties").at("fingerprint").at("properties");
  CHECK(head.at("curves").at("items").at("properties").at("points").at("maxItems") == kMostCurvePoints);
  CHECK(head.at("granules").at("maxItems") == kMostHeadEntries);
}

TEST_CASE("two granules of one name are a mistake") {
  const std::string twice = "    - {name: cache line, size: 1, cost: " + kCost + "}\n  curves:";
  CHECK(head_mistakes("base: a100\n" + replaced(kHead, "  curves:", twice) + kHeadSources).find("is there already") !=
        std::string::npos);
}

TEST_CASE("kernels as a map replaces constants of the library alone") {
  const Folder folder;
  const Substrate base = load_substrate("a100", folder.search());
  REQUIRE_FALSE(base.kernels.empty());
  const auto with_constants = std::find_if(base.kernels.begin(), base.kernels.end(),
                                           [](const Kernel& kernel) { return kernel.constants.size() > 1; });
  REQUIRE(with_constants != base.kernels.end());
  const std::string constant = with_constants->constants.begin()->first;
  const Substrate mine =
      load_file(folder, "base: a100\nkernels:\n  " + with_constants->name + ":\n    " + constant +
                            ": {value: 0.125, kind: measured, source: this-machine}\n" + kHeadSources);
  REQUIRE(mine.kernels.size() == base.kernels.size());
  for (std::size_t i = 0; i < base.kernels.size(); ++i)
    for (const auto& [name, value] : base.kernels[i].constants) {
      const bool amended = base.kernels[i].name == with_constants->name && name == constant;
      CHECK(mine.kernels[i].constants.at(name).value == (amended ? 0.125 : value.value));
    }
  CHECK(head_mistakes("base: a100\nkernels: {no_such: {a: {value: 1, kind: measured, source: this-machine}}}\n" +
                      kHeadSources)
            .find("no kernel of the library is called \"no_such\"") != std::string::npos);
  CHECK(
      head_mistakes("base: a100\nkernels: {" + with_constants->name + ": 7}\n").find("expected a map from constants") !=
      std::string::npos);
}

TEST_CASE("kernels as a map adds kernels beside the library's") {
  const Folder folder;
  const Substrate base = load_substrate("a100", folder.search());
  const auto model = std::find_if(base.kernels.begin(), base.kernels.end(),
                                  [](const Kernel& kernel) { return kernel.name == "cusparselt_128x128"; });
  REQUIRE(model != base.kernels.end());
  const Substrate mine = load_file(folder, R"(base: a100
kernels:
  mine: {like: cusparselt_128x128, quality: tuned, tile: [256, 64, 64], dtypes: [fp16],
         step_overhead_cycles: {value: 7 cycles, kind: measured, source: this-machine}}
  whole: {op: gemm, dtypes: [bf16], tile: [64, 64, 64], stages: 3}
)" + kHeadSources);
  REQUIRE(mine.kernels.size() == base.kernels.size() + 2);
  const Kernel &like = mine.kernels[base.kernels.size()], &whole = mine.kernels.back();
  CHECK(like.name == "mine");
  CHECK((like.op == model->op && like.patterns == model->patterns && like.stages == model->stages));
  CHECK((like.quality == "tuned" && like.tile_m == 256 && like.tile_n == 64));
  CHECK(like.dtypes == std::vector<std::string>{"fp16"});
  for (const auto& [name, constant] : model->constants)
    if (name != "step_overhead_cycles") CHECK(like.constants.at(name).value == constant.value);
  CHECK(like.constants.at("step_overhead_cycles").value == 7);
  CHECK((whole.op == "gemm" && whole.stages == 3 && whole.patterns == std::vector<std::string>{"dense"}));
  for (const auto& [text, says] : std::vector<std::pair<std::string, std::string>>{
           {"mine: {like: cusparselt_128x129}", "did you mean \"cusparselt_128x128\"?"},
           {"mine: {tile: [64, 64, 64]}", "a further one says which it is `like`"},
           {"mine: {op: gemm}", "missing key \"dtypes\" in kernels.mine"},
           {"cusparselt_128x128: {step_overhed_cycles: {value: 7, kind: measured, source: this-machine}}",
            "did you mean \"step_overhead_cycles\"?"}}) {
    CAPTURE(text);
    CHECK(head_mistakes("base: a100\nkernels: {" + text + "}\n" + kHeadSources).find(says) != std::string::npos);
  }
}

TEST_CASE("a fingerprint made whole stands without its base, and says what it took") {
  const Folder folder;
  const std::string text = "base: a100\n" + kHead +
                           "memory:\n  dram:\n    achieved: {value: 1 TB/s, kind: measured, source: this-machine}\n" +
                           kHeadSources;
  const std::string whole = complete_substrate(folder.write("measured.yaml", text), folder.search());
  CHECK(whole.find("\nbase:") == std::string::npos);
  const Substrate base = load_substrate("a100", folder.search());
  const Substrate mine = load_file(folder, whole);
  CHECK(mine.name == "measured");
  CHECK(mine.fingerprint.granules.size() == 1);
  CHECK(mine.memory.dram_achieved.value == 1e12);
  CHECK(mine.memory.dram_achieved.kind == Provenance::measured);
  CHECK(mine.memory.dram_peak.value == base.memory.dram_peak.value);
  CHECK(mine.memory.dram_peak.kind == Provenance::guessed);
  CHECK(mine.memory.dram_peak.note.rfind("taken from a100", 0) == 0);
  CHECK(mine.compute.pipes.tensor.at("bf16").dense.kind == Provenance::spec);
  CHECK(mine.kernels.size() == base.kernels.size());
}
