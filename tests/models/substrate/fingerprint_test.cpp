// The table of `sparsesim show`, the JSON Schema, and the list of constants.
#include "models/substrate/fingerprint.h"

#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "models/substrate/constants.h"
#include "models/substrate/schema.h"
#include "tests/support/machines.h"

using namespace sparsesim;

namespace {

/// Follows a dotted path through the properties of the schema; through the map alternative where a name would do as
/// well.
const nlohmann::json* property(const nlohmann::json& schema, const std::string& path) {
  const nlohmann::json* at = &schema;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t dot = std::min(path.find('.', begin), path.size());
    if (at->contains("anyOf")) at = &at->at("anyOf").at(1);
    const std::string key = path.substr(begin, dot - begin);
    if (!at->contains("properties") || !at->at("properties").contains(key)) return nullptr;
    at = &at->at("properties").at(key);
    begin = dot + 1;
  }
  return at;
}

}  // namespace

TEST_CASE("every number of the table has a place in the JSON Schema, with its description") {
  const nlohmann::json schema = nlohmann::json::parse(substrate_schema());
  Substrate blank;
  blank.compute.pipes.tensor["bf16"];
  blank.power.per_flop["fp32"];
  visit(blank, [&](const std::string& path, const Quantity&, config::Dimension, std::string_view doc, bool) {
    CAPTURE(path);
    const nlohmann::json* found = property(schema, path);
    REQUIRE(found != nullptr);
    CHECK(found->at("description") == std::string(doc));
    const std::string reference = found->at("$ref");
    CHECK(schema.at("$defs").contains(reference.substr(reference.rfind('/') + 1)));
  });
}

TEST_CASE("the schema asks of a number what the reader asks of it") {
  const nlohmann::json schema = nlohmann::json::parse(substrate_schema());
  const nlohmann::json& bandwidth = schema.at("$defs").at("bandwidth");
  CHECK(bandwidth.at("required") == nlohmann::json({"value", "kind", "source"}));
  CHECK(bandwidth.at("additionalProperties") == false);
  CHECK(bandwidth.at("then").at("required") == nlohmann::json({"fitted_to"}));
  const std::string pattern = bandwidth.at("properties").at("value").at("pattern");
  for (std::string_view unit : config::units(config::Dimension::bandwidth))
    CHECK(pattern.find(unit) != std::string::npos);
}

TEST_CASE("realised costs in the fingerprint follow from the numbers") {
  const Substrate s = load_substrate("a100", shipped_substrates());
  const std::string table = fingerprint_table(s);
  const auto row = [&](const std::string& start) {
    const std::size_t begin = table.find("\n" + start) + 1;
    return table.substr(begin, table.find('\n', begin) - begin);
  };
  const auto ps = [](double seconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g ps", seconds * 1e12);
    return std::string(text);
  };
  CHECK(row("line ").find(ps(s.memory.line / s.memory.dram_achieved)) != std::string::npos);
  // A lone sector costs a whole DRAM fill.
  CHECK(row("sector ").find(ps(s.memory.fill_granule / s.memory.dram_achieved)) != std::string::npos);
  CHECK(row("task ").find(ps(1 / s.dispatch.rate)) != std::string::npos);
  CHECK(row("memory.l2.capacity").find("40 MiB") != std::string::npos);
  CHECK(row("power.per_flop.fp32").find("pJ/FLOP") != std::string::npos);
}

TEST_CASE("the table names every number and explains every source") {
  const Substrate s = load_substrate("b200", shipped_substrates());
  const std::string table = fingerprint_table(s);
  for (const Constant& constant : constants(s)) CHECK(table.find("\n" + constant.path) != std::string::npos);
  for (const auto& [key, citation] : s.sources) CHECK(table.find(citation) != std::string::npos);
}

TEST_CASE("kinds add up to all numbers, and a node inherits every number of its device") {
  for (const std::string name : {"a100", "h100", "h200", "b200", "l40s", "3090"}) {
    CAPTURE(name);
    const Substrate device = load_substrate(name, shipped_substrates());
    const auto counts = provenance_counts(device);
    CHECK(counts[0] + counts[1] + counts[2] + counts[3] == static_cast<int>(constants(device).size()));
    CHECK(counts == provenance_counts(load_substrate(name + "-x8", shipped_substrates())));
  }
}

TEST_CASE("devices without measured rows rest on no fit to rows but what the H200 shares with the H100") {
  const Substrate h100 = load_substrate("h100", shipped_substrates());
  std::map<std::string, Quantity> shared;
  for (const Constant& constant : constants(h100)) shared[constant.path] = constant.quantity;
  for (const std::string name : {"h200", "b200", "l40s"}) {
    CAPTURE(name);
    for (const Constant& constant : constants(load_substrate(name, shipped_substrates()))) {
      if (constant.path.starts_with("kernels.") || constant.path.starts_with("fabric.")) continue;
      if (constant.quantity.fitted_to.find(".csv") == std::string::npos) continue;
      CAPTURE(constant.path);
      CHECK(name == "h200");
      CHECK(constant.quantity.fitted_to == shared[constant.path].fitted_to);
      CHECK(constant.quantity.value == shared[constant.path].value);
    }
  }
}
