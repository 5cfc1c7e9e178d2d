// Mistakes of users: each is reported with its place, and all of a file in one pass.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/models/substrate/folder.h"

using namespace sparsesim;

namespace {

const std::string kSources = "sources:\n  test: a citation\n";

/// Mistakes of a substrate that inherits from the A100 and adds `text`; line 1 of `text` is line 2 of the file.
std::vector<config::Mistake> mistakes_of(const std::string& text) {
  const Folder folder;
  const std::string path = folder.write("mine.yaml", "base: a100-sxm4-80gb\n" + text);
  try {
    load_substrate(path, folder.search());
  } catch (const config::ConfigError& error) {
    return error.mistakes();
  }
  return {};
}

bool reports(const std::vector<config::Mistake>& mistakes, int line, const std::string& part) {
  return std::any_of(mistakes.begin(), mistakes.end(), [&](const config::Mistake& mistake) {
    return mistake.position.line == line && mistake.position.column >= 1 &&
           (mistake.message + " " + mistake.hint).find(part) != std::string::npos;
  });
}

std::string peak(const std::string& value) { return "memory:\n  dram:\n    peak: " + value + "\n" + kSources; }

}  // namespace

TEST_CASE("a file that only inherits is complete and equal to its base") {
  CHECK(mistakes_of("").empty());
  const Folder folder;
  const Substrate mine = load_substrate(folder.write("mine.yaml", "base: a100\n"), folder.search());
  CHECK(mine.name == "mine");
  CHECK(mine.memory.dram_peak == load_substrate("a100", folder.search()).memory.dram_peak);
}

TEST_CASE("an overridden leaf changes alone") {
  const Folder folder;
  const std::string text =
      "base: a100\nmemory:\n  dram:\n    achieved: {value: 1 TB/s, kind: spec, source: test}\n" + kSources;
  const Substrate mine = load_substrate(folder.write("mine.yaml", text), folder.search());
  const Substrate base = load_substrate("a100", folder.search());
  CHECK(mine.memory.dram_achieved == 1e12);
  CHECK(mine.memory.dram_achieved.source == "test");
  CHECK(mine.memory.dram_peak == base.memory.dram_peak);
  CHECK(mine.compute.units == base.compute.units);
}

TEST_CASE("wrong numbers name their place") {
  struct Case {
    const char* value;
    const char* part;
  };
  for (const Case& c :
       {Case{"{value: 2039 GHz, kind: spec, source: test}", "GB/s"},
        Case{"{value: 2039, kind: spec, source: test}", "unit"},
        Case{"{value: -1 GB/s, kind: spec, source: test}", "more than 0"},
        Case{"{value: 0 GB/s, kind: spec, source: test}", "more than 0"},
        Case{"{value: .nan, kind: spec, source: test}", "peak"},
        Case{"{value: 1e999 GB/s, kind: spec, source: test}", "peak"},
        Case{"{value: 3 TB/s, kind: sheet, source: test}", "kind"}, Case{"{value: 3 TB/s, kind: spec}", "source"},
        Case{"{kind: spec, source: test}", "value"}, Case{"{value: 3 TB/s, source: test}", "kind"},
        Case{"{value: 3 TB/s, kind: spec, source: tset}", "did you mean \"test\""},
        Case{"{value: 3 TB/s, kind: fitted, source: test}", "fitted_to"},
        Case{"{value: 3 TB/s, kind: spec, source: test, fitted_to: rows}", "fitted_to"},
        Case{"{value: 3 TB/s, kind: spec, source: test, low: 4 TB/s}", "low"},
        Case{"{value: 3 TB/s, kind: spec, source: test, high: 2 TB/s}", "high"},
        Case{"{value: 3 TB/s, kind: spec, source: test, hihg: 4 TB/s}", "did you mean \"high\""},
        Case{"3 TB/s", "expected a map"}, Case{"[1, 2]", "expected a map"}}) {
    CAPTURE(c.value);
    const auto found = mistakes_of(peak(c.value));
    REQUIRE_FALSE(found.empty());
    CHECK(reports(found, 4, c.part));
  }
  CHECK(mistakes_of(peak("{value: 3 TB/s, kind: fitted, source: test, fitted_to: row 1}")).empty());
}

TEST_CASE("unknown and duplicate keys name the nearest known one") {
  CHECK(reports(mistakes_of("memory:\n  drma: {}\n"), 3, "dram"));
  CHECK(reports(mistakes_of("compuet: {}\n"), 2, "compute"));
  CHECK(reports(mistakes_of("title: one\ntitle: two\n"), 3, "title"));
  CHECK(reports(mistakes_of("compute:\n  pipes:\n    tensor:\n      fp61: {}\n"), 5, "fp16"));
}

TEST_CASE("all mistakes of a file come in one pass, in the order of the file") {
  const auto found = mistakes_of(
      "compute:\n"
      "  clock: {value: 1 GB/s, kind: spec, source: test}\n"
      "  unit: 3\n"
      "memory:\n"
      "  sector: {value: 32 B, kind: guess, source: test}\n"
      "  dram:\n"
      "    peak: {value: 1 TB/s, kind: spec, source: nowhere}\n" +
      kSources);
  REQUIRE(found.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    constexpr int kLines[] = {3, 4, 6, 8};
    CHECK(found[i].position.line == kLines[i]);
  }
}

TEST_CASE("numbers must agree with each other") {
  const std::string end = ", kind: spec, source: test}\n" + kSources;
  CHECK(reports(mistakes_of("memory:\n  dram:\n    achieved: {value: 3 TB/s" + end), 4, "above memory.dram.peak"));
  CHECK(reports(mistakes_of("compute:\n  clock_floor: {value: 3 GHz" + end), 3, "above compute.clock"));
  CHECK(reports(mistakes_of("memory:\n  sector: {value: 256 B" + end), 3, "above memory.line"));
  CHECK(reports(mistakes_of("memory:\n  line: {value: 100 B" + end), 3, "multiple of memory.sector"));
  CHECK(
      reports(mistakes_of("memory:\n  l2:\n    near_latency: {value: 300 ns" + end), 4, "above memory.l2.far_latency"));
  CHECK(reports(mistakes_of("power:\n  idle: {value: 500 W" + end), 3, "above power.cap"));
  CHECK(reports(mistakes_of("compute:\n  units: {value: 10.5" + end), 3, "whole number"));
  CHECK(reports(mistakes_of("compute:\n  pipes:\n    tensor:\n      fp16:\n        sparse: {value: 0.5" + end), 6,
                "1..16"));
}

TEST_CASE("bases must exist and end somewhere") {
  const Folder folder;
  const auto mistakes = [&](const std::string& path) {
    try {
      load_substrate(path, folder.search());
    } catch (const config::ConfigError& error) {
      return error.mistakes();
    }
    return std::vector<config::Mistake>{};
  };
  CHECK(reports(mistakes(folder.write("lost.yaml", "base: a100-sxm4-80gbb\n")), 1, "a100-sxm4-80gb"));
  CHECK(reports(mistakes(folder.write("self.yaml", "base: self\n")), 1, "cycle"));
  folder.write("deep/child.yaml", "base: ../parent.yaml\n");
  folder.write("parent.yaml", "base: a100\n");
  CHECK(mistakes(folder.path() + "/deep/child.yaml").empty());
  folder.write("left.yaml", "title: left\nbase: right\n");
  const auto found = mistakes(folder.write("right.yaml", "base: left\n"));
  CHECK(reports(found, 2, "cycle"));
  CHECK(found.front().position.file.ends_with("left.yaml"));
}

TEST_CASE("a substrate without base lists every missing number at once") {
  const Folder folder;
  try {
    load_substrate(folder.write("empty.yaml", "title: nothing else\n"), folder.search());
    FAIL("an empty substrate loaded");
  } catch (const config::ConfigError& error) {
    int required = 0;
    Substrate blank;
    visit_fixed(blank, [&](const std::string& path, const Quantity&, config::Dimension, std::string_view, bool needed) {
      required += needed;
      if (needed) CHECK(reports(error.mistakes(), 1, "\"" + path + "\""));
    });
    CHECK(static_cast<int>(error.mistakes().size()) == required + 2);  // tensor rates and energies have no fixed names
  }
}

TEST_CASE("fabrics must join all devices") {
  const auto fabric = [](const std::string& links) {
    return mistakes_of("devices: 4\nfabric:\n  name: test\n  topology: mesh\n  devices: 4\n  switches: 1\n  links:\n" +
                       links);
  };
  const std::string all =
      "    - {from: device0, to: switch0}\n    - {from: device1, to: switch0}\n    - {from: device2, to: switch0}\n";
  CHECK(reports(fabric(all), 4, "no route from device0 to device3"));
  CHECK(reports(fabric(all + "    - {from: device3, to: switch1}\n"), 12, "no device or switch"));
  const auto joined = fabric(all + "    - {from: device3, to: device1}\n");
  CHECK_FALSE(reports(joined, 4, "no route"));
  CHECK(reports(mistakes_of("devices: 9\n"), 2, "devices is 9"));
  CHECK(reports(mistakes_of("fabric: no-such-fabric\n"), 2, "no fabric is called"));
  CHECK(reports(mistakes_of("architecture: sm8o\n"), 2, "no kernel library is called"));
  CHECK(mistakes_of("architecture: sm8o\nkernels: []\n").empty());
}

TEST_CASE("files that are no substrates") {
  const Folder folder;
  std::filesystem::create_directories(folder.path() + "/folder.yaml");
  CHECK_THROWS_AS(load_substrate(folder.path() + "/folder.yaml", folder.search()), config::ConfigError);
  CHECK_THROWS_AS(load_substrate(folder.path() + "/missing.yaml", folder.search()), config::ConfigError);
  CHECK_THROWS_AS(load_substrate(folder.write("list.yaml", "- 1\n- 2\n"), folder.search()), config::ConfigError);
  CHECK_THROWS_AS(load_substrate(folder.write("binary.yaml", std::string("\x00\x01\xff\xfe", 4)), folder.search()),
                  config::ConfigError);
  CHECK_THROWS_AS(load_substrate(folder.write("zero.yaml", ""), folder.search()), config::ConfigError);
  try {
    load_substrate("a10", folder.search());
    FAIL("a10 is no substrate");
  } catch (const config::ConfigError& error) {
    CHECK(std::string(error.what()).find("a100") != std::string::npos);
  }
}

TEST_CASE("NUMA domains: what they need, in one line each") {
  const auto numa = [](const std::string& keys) { return mistakes_of("memory:\n  numa: {" + keys + "}\n" + kSources); };
  const auto count = [](const char* key, int value) {
    return std::string(key) + ": {value: " + std::to_string(value) + ", kind: spec, source: test}";
  };
  const std::string far = ", remote_latency: {value: 900 ns, kind: spec, source: test}";
  CHECK(numa(count("domains", 4) + far).empty());
  CHECK(numa(count("domains", 1)).empty());
  CHECK(numa("placement: local").empty());  // of one domain
  const struct {
    std::string keys;
    const char* part;
  } cases[] = {
      {count("domains", 4), "memory.numa needs remote_latency: a socket has several domains"},
      {count("domains", 2) + ", " + count("sockets", 2), "memory.numa needs socket_latency: there are several sockets"},
      {count("domains", 3) + ", " + count("sockets", 2) + far, "3 domains cannot be spread evenly over 2 sockets"},
      {count("domains", 65) + far, "memory.numa.domains must be 64 at most"},
      {count("sockets", 1), "memory.numa.sockets needs memory.numa.domains"},
      {count("domains", 2) + far + ", placement: locl", "did you mean \"local\"?"},
      {count("domains", 2) + ", remote_latency: {value: 1 ns, kind: spec, source: test}",
       "memory.dram.latency is above memory.numa.remote_latency"},
      {count("domains", 2) + far + ", speed: 1", "unknown key \"speed\""},
  };
  for (const auto& wrong : cases) {
    const auto mistakes = numa(wrong.keys);
    CAPTURE(wrong.keys);
    REQUIRE(mistakes.size() == 1);
    CHECK_MESSAGE((mistakes[0].message + " " + mistakes[0].hint).find(wrong.part) != std::string::npos,
                  mistakes[0].message);
  }
}
