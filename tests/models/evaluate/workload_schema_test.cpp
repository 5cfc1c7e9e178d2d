// The schema knows every key that a workload may have.

#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "models/evaluate/workload.h"
#include "sim/config/node.h"

using namespace sparsesim;

namespace {

/// Keys of each kind of op: all of them, and the required ones.
struct Keys {
  std::set<std::string> known, required;
};
std::map<std::string, Keys> schema_keys() {
  std::map<std::string, Keys> kinds;
  const auto schema = nlohmann::json::parse(workload_schema());
  for (const auto& kind : schema.at("properties").at("ops").at("items").at("oneOf")) {
    Keys& keys = kinds[kind.at("properties").at("op").at("const")];
    for (const auto& [key, value] : kind.at("properties").items()) {
      CHECK(value.is_object());
      keys.known.insert(key);
    }
    for (const auto& key : kind.at("required")) keys.required.insert(key.get<std::string>());
  }
  return kinds;
}

}  // namespace

TEST_CASE("every shipped workload has only keys that the schema knows, and all that it requires") {
  const auto kinds = schema_keys();
  int ops = 0;
  for (const auto& file : std::filesystem::directory_iterator(std::string(SPARSESIM_SOURCE_DIR) + "/workloads")) {
    if (file.path().extension() != ".yaml") continue;
    CAPTURE(file.path().string());
    config::Diagnostics diagnostics;
    const config::Node tree = config::load_file(file.path().string(), diagnostics);
    const auto list = tree.find("ops");
    if (!list) {
      CHECK(tree.find("model"));
      continue;
    }
    for (const config::Node& op : list->items()) {
      const Keys& keys = kinds.at(op.find("op")->scalar());
      std::set<std::string> given;
      for (const auto& [key, value] : op.entries()) {
        CHECK_MESSAGE(keys.known.count(key) == 1, key);
        given.insert(key);
      }
      for (const auto& key : keys.required) CHECK_MESSAGE(given.count(key) == 1, key);
      ops += 1;
    }
  }
  CHECK(ops > 30);
}

TEST_CASE("keys that only one choice asks for are known and not required") {
  const auto kinds = schema_keys();
  const std::map<std::string, std::set<std::string>> chosen = {
      {"activation_gemm", {"predictor_rank", "predictor_inputs"}},
      {"training_linear", {"sparsity", "block", "transposable", "update_every", "optimizer_state"}},
      {"moe_ffn", {"expert_device"}},
  };
  for (const auto& [kind, names] : chosen)
    for (const auto& name : names) {
      CAPTURE(name);
      CHECK(kinds.at(kind).known.count(name) == 1);
      CHECK(kinds.at(kind).required.count(name) == 0);
    }
}

TEST_CASE("a key that others stand in for is not required") {
  const auto kinds = schema_keys();
  for (const char* kind : {"attention", "pruned_attention"}) {  // keys and queries for seq
    CHECK(kinds.at(kind).known.count("seq") == 1);
    CHECK(kinds.at(kind).required == std::set<std::string>{"op", "heads", "head_dim"});
  }
  CHECK(kinds.at("spmm").required == std::set<std::string>{"op", "m", "n", "k", "pattern"});
}

namespace {

/// Keys of the file that the schema has not, and those that it requires in vain.
void compare(const nlohmann::json& schema, const config::Node& node) {
  if (schema.contains("oneOf"))
    return compare(schema["oneOf"][node.type() == config::Node::Type::sequence ? 0 : 1], node);
  if (node.type() == config::Node::Type::sequence)
    for (const config::Node& item : node.items()) compare(schema.at("items"), item);
  if (node.type() != config::Node::Type::map || !schema.contains("properties")) return;
  for (const auto& [key, value] : node.entries()) {
    CAPTURE(key);
    REQUIRE(schema.at("properties").contains(key));
    compare(schema.at("properties").at(key), value);
  }
  if (!schema.contains("required")) return;
  for (const auto& key : schema.at("required")) CHECK_MESSAGE(node.find(key.get<std::string>()), key);
}

}  // namespace

TEST_CASE("the sections of whole models have the keys that the schema says") {
  const auto properties = nlohmann::json::parse(workload_schema()).at("properties");
  int models = 0;
  for (const auto& file : std::filesystem::directory_iterator(std::string(SPARSESIM_SOURCE_DIR) + "/workloads")) {
    config::Diagnostics diagnostics;
    const config::Node tree = config::load_file(file.path().string(), diagnostics);
    if (!tree.find("model")) continue;
    CAPTURE(file.path().string());
    models += 1;
    for (const char* key : {"model", "recipe", "parallel", "dynamic", "pass"})
      if (const auto section = tree.find(key)) compare(properties.at(key), *section);
  }
  CHECK(models > 5);
  config::Diagnostics diagnostics;
  compare(
      properties.at("recipe"),
      config::load_text("[{modules: [mlp], layers: 0-3, pattern: block, sparsity: 0.5, block: [16, 16], format: bsr},"
                        " {modules: attention.scores, pattern: window, window: 64, sinks: 4},"
                        " {modules: [mlp.down], pattern: vnm, v: 64, columns: 8, masks: [a.npy]}]",
                        "r", diagnostics));
  compare(
      properties.at("dynamic"),
      config::load_text("{activation: {sparsity: 0.5, spread: 0.1, overlap: 0, modules: [mlp]}, routing: {draws: 2}}",
                        "d", diagnostics));
  compare(properties.at("pass"),
          config::load_text("{phase: mixed, calls: [{batch: 1, queries: 2, keys: 3}]}", "p", diagnostics));
}
