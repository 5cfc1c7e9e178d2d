// Copies of a tree with other values: what changes, what stays, and where each value says it stands.
#include "sim/config/edit.h"

#include <doctest/doctest.h>

#include "sim/config/reader.h"

namespace sparsesim::config {
namespace {

Node text(const std::string& yaml, const std::string& name = "file.yaml") {
  Diagnostics diagnostics;
  const Node root = load_text(yaml, name, diagnostics);
  REQUIRE(diagnostics.empty());
  return root;
}

const Node& ops() {
  static const Node root = text("name: two\nops:\n  - {name: a, m: 1, mask: {rows: 4}}\n  - {name: b, m: 2}\n");
  return root;
}

std::string value(const Node& root, std::size_t op, const std::string& key) {
  const auto found = root.find("ops")->items()[op].find(key);
  return found ? found->scalar() : "absent";
}

}  // namespace

TEST_CASE("a change replaces one value and leaves the others") {
  const Node changed = with_changes(ops(), {{{"ops", "b", "m"}, text("64")}});
  CHECK(value(changed, 0, "m") == "1");
  CHECK(value(changed, 1, "m") == "64");
  CHECK(changed.find("name")->scalar() == "two");
  CHECK(value(ops(), 1, "m") == "2");  // the original is as it was
}

TEST_CASE("keys and maps that are not there are added; items that are not there are not") {
  const Node changed = with_changes(ops(), {{{"ops", "a", "k"}, text("8")},
                                            {{"ops", "a", "mask", "columns"}, text("16")},
                                            {{"ops", "b", "mask", "rows"}, text("5")},
                                            {{"ops", "b", "mask", "columns"}, text("6")},
                                            {{"ops", "c", "m"}, text("7")}});
  CHECK(value(changed, 0, "k") == "8");
  const auto items = changed.find("ops")->items();
  CHECK(items.size() == 2);
  CHECK(items[0].find("mask")->find("rows")->scalar() == "4");
  CHECK(items[0].find("mask")->find("columns")->scalar() == "16");
  CHECK(items[1].find("mask")->entries().size() == 2);
  CHECK(items[1].find("mask")->find("rows")->scalar() == "5");
}

TEST_CASE("a change below a value has no place, whether the value was there or is put there") {
  const auto refused = [](const std::vector<Change>& changes) {
    try {
      with_changes(ops(), changes);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const Node value = text("3", "below.yaml");
  CHECK(refused({{{"ops", "a", "m", "x"}, value}}) == "below.yaml:1:1: error: nothing is below \"1\"");
  CHECK(refused({{{"ops", "a", "mask"}, text("full")}, {{"ops", "a", "mask", "rows"}, value}}).find("\"full\"") !=
        std::string::npos);
  CHECK(refused({{{"ops", "a", "new", "key"}, value}, {{"ops", "a", "new"}, text("full")}}).find("\"full\"") !=
        std::string::npos);
  CHECK(refused({{{"ops", "a", "mask"}, text("{rows: 2}")}, {{"ops", "a", "mask", "rows"}, value}}).empty());
}

TEST_CASE("of equal paths the last change counts") {
  const Node changed = with_changes(ops(), {{{"ops", "a", "m"}, text("3")}, {{"ops", "a", "m"}, text("4")}});
  CHECK(value(changed, 0, "m") == "4");
  CHECK(changed.find("ops")->items()[0].entries().size() == 3);
}

TEST_CASE("every value stands where it was written") {
  const Node changed = with_changes(ops(), {{{"ops", "b", "m"}, text("\n\n  64", "sweep.yaml")}});
  const Node op = changed.find("ops")->items()[1];
  CHECK(op.position().file == "file.yaml");
  CHECK(op.position().line == 4);
  CHECK(op.find("m")->position().file == "sweep.yaml");
  CHECK(op.find("m")->position().line == 3);
  CHECK(op.find("m")->path() == "ops[1].m");
}

TEST_CASE("absent leaves out what is there, adds nothing where nothing is, and gives way to a later value") {
  const Node absent = text("absent");
  const Node changed = with_changes(ops(), {{{"ops", "a", "m"}, absent},
                                            {{"ops", "a", "k"}, absent},
                                            {{"ops", "b", "mask", "rows"}, absent},
                                            {{"name"}, absent}});
  CHECK(value(changed, 0, "m") == "absent");
  CHECK(value(changed, 1, "m") == "2");
  CHECK_FALSE(changed.find("name"));
  CHECK(changed.find("ops")->items()[0].entries().size() == 2);  // name and mask
  CHECK_FALSE(changed.find("ops")->items()[1].find("mask"));     // no empty map on the way
  CHECK(with_changes(ops(), {{{"ops", "a", "mask"}, absent}}).find("ops")->items()[0].entries().size() == 2);
  CHECK(value(with_changes(ops(), {{{"ops", "a", "m"}, absent}, {{"ops", "a", "m"}, text("7")}}), 0, "m") == "7");
  CHECK(value(with_changes(ops(), {{{"ops", "a", "k"}, text("7")}, {{"ops", "a", "k"}, absent}}), 0, "k") == "absent");
  CHECK(with_changes(ops(), {{{"name"}, text("\"absent\"")}}).find("name")->scalar() == "absent");  // a text
  CHECK(has_path(ops(), {"ops", "a", "mask", "rows"}));
  CHECK_FALSE(has_path(ops(), {"ops", "c", "m"}));
}

}  // namespace sparsesim::config
