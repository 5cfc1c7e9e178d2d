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
    const auto list = config::load_file(file.path().string(), diagnostics).find("ops");
    REQUIRE(list);
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
