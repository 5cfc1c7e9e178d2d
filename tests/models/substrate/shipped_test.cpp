// The substrates that ship: each loads, survives a round trip, and says where every number comes from.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "models/substrate/substrate.h"
#include "tests/support/machines.h"

using namespace sparsesim;

namespace {

std::vector<std::string> shipped_names() {
  std::vector<std::string> names;
  for (const SubstrateEntry& entry : list_substrates(shipped_substrates())) names.push_back(entry.name);
  return names;
}

std::map<std::string, Quantity> numbers(const Substrate& substrate) {
  std::map<std::string, Quantity> all;
  visit(substrate, [&](const std::string& path, const Quantity& quantity, config::Dimension, std::string_view, bool) {
    all[path] = quantity;
  });
  return all;
}

}  // namespace

TEST_CASE("devices and their nodes of eight ship") {
  const auto names = shipped_names();
  const std::set<std::string> all(names.begin(), names.end());
  for (const char* device :
       {"a100-sxm4-80gb", "a100-sxm4-40gb", "h100-sxm5-80gb", "h200-sxm-141gb", "b200-sxm-180gb", "b300-sxm",
        "v100-sxm2-32gb", "mi300x", "l40s-48gb", "rtx-3090", "rtx-4090", "rtx-a6000-48gb"}) {
    CAPTURE(device);
    CHECK(all.contains(device));
    CHECK(all.contains(std::string(device) + "-x8"));
  }
}

TEST_CASE("every shipped substrate loads and every number has a source that its file explains") {
  for (const std::string& name : shipped_names()) {
    CAPTURE(name);
    const Substrate substrate = load_substrate(name, shipped_substrates());
    CHECK(substrate.name == name);
    if (substrate.devices > 1 || name.ends_with("-x8")) CHECK(name.ends_with(std::to_string(substrate.devices)));
    CHECK(substrate.fabric.devices >= substrate.devices);
    CHECK((substrate.fabric.topology != "none") == substrate.fabric.link_bandwidth.given());
    visit(substrate,
          [&](const std::string& path, const Quantity& quantity, config::Dimension, std::string_view, bool required) {
            CAPTURE(path);
            if (required) CHECK(quantity.given());
            if (!quantity.given()) return;
            const std::string first = quantity.source.substr(0, quantity.source.find(", "));
            CHECK(substrate.sources.contains(first));
            CHECK(quantity.low <= quantity.value);
            CHECK(quantity.value <= quantity.high);
            CHECK((quantity.kind == Provenance::fitted) == !quantity.fitted_to.empty());
          });
  }
}

TEST_CASE("a dump reads back to the same numbers, to the last bit") {
  for (const std::string& name : shipped_names()) {
    CAPTURE(name);
    const Substrate before = load_substrate(name, shipped_substrates());
    const std::string text = dump_substrate(before);
    const auto path = std::filesystem::temp_directory_path() / ("sparsesim_round_trip_" + name + ".yaml");
    std::ofstream(path) << text;
    const Substrate after = load_substrate(path.string(), SearchPath{});
    std::filesystem::remove(path);
    CHECK(dump_substrate(after) == text);
    const auto expected = numbers(before);
    const auto actual = numbers(after);
    REQUIRE(actual.size() == expected.size());
    for (const auto& [key, quantity] : expected) {
      CAPTURE(key);
      CHECK(actual.at(key).value == quantity.value);
      CHECK(actual.at(key).low == quantity.low);
      CHECK(actual.at(key).high == quantity.high);
      CHECK(actual.at(key).kind == quantity.kind);
      CHECK(actual.at(key).source == quantity.source);
    }
  }
}

TEST_CASE("names, aliases and file names lead to the same substrate") {
  for (const char* name : {"a100", "a100.yaml", "a100-80gb", "a100-sxm4-80gb", "a100-sxm4-80gb.yaml"}) {
    CAPTURE(name);
    CHECK(load_substrate(name, shipped_substrates()).name == "a100-sxm4-80gb");
  }
  CHECK(load_substrate("3090", shipped_substrates()).name == "rtx-3090");
  CHECK(load_substrate("h200-x8", shipped_substrates()).name == "h200-sxm-141gb-x8");
}

TEST_CASE("no alias leads to two substrates") {
  std::set<std::string> seen;
  for (const SubstrateEntry& entry : list_substrates(shipped_substrates())) {
    CHECK(seen.insert(entry.name).second);
    for (const std::string& alias : entry.aliases) {
      CAPTURE(alias);
      CHECK(seen.insert(alias).second);
    }
  }
}

TEST_CASE("units times clock times rate is the dense peak of the data sheet") {
  // Data-sheet TFLOP/s for bf16 over the clock that the sheet uses (boost, for H100 and B200 the lower matrix clock).
  const auto peak = [](const char* name, double clock, const char* dtype = "bf16") {
    const Substrate s = load_substrate(name, shipped_substrates());
    return s.compute.units * s.compute.pipes.tensor.at(dtype).dense * clock * 1e-12;
  };
  CHECK(peak("a100", 1.41e9) == doctest::Approx(312).epsilon(0.005));
  CHECK(peak("h100", 1.83e9) == doctest::Approx(989).epsilon(0.005));
  CHECK(peak("h200", 1.83e9) == doctest::Approx(989).epsilon(0.005));
  CHECK(peak("b200", 1.856e9) == doctest::Approx(2250).epsilon(0.005));
  CHECK(peak("l40s", 2.49e9) == doctest::Approx(362).epsilon(0.005));
  CHECK(peak("3090", 1.695e9) == doctest::Approx(71).epsilon(0.005));
  CHECK(peak("4090", 2.52e9) == doctest::Approx(165).epsilon(0.005));
  CHECK(peak("a6000", 1.80e9) == doctest::Approx(154.8).epsilon(0.005));
  CHECK(peak("v100", 1.53e9, "fp16") == doctest::Approx(125).epsilon(0.005));
  CHECK(peak("mi300x", 2.1e9) == doctest::Approx(1307).epsilon(0.005));
  CHECK(peak("mi300x", 2.1e9, "fp8") == doctest::Approx(2615).epsilon(0.005));
  CHECK(peak("mi250x", 1.7e9) == doctest::Approx(383.0 / 2).epsilon(0.005));  // of two dies
  CHECK(peak("b300", 2.032e9) == doctest::Approx(2500).epsilon(0.02));
}
