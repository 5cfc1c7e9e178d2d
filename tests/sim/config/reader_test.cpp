#include "sim/config/reader.h"

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

using namespace sparsesim::config;

namespace {

constexpr std::array<std::string_view, 3> topologies = {"none", "switch", "mesh"};

/// A reader with one key of every kind.
void read_everything(MapReader& map) {
  map.text("name");
  map.quantity("bandwidth", Dimension::bandwidth, Range::positive(), 1e9);
  map.integer("channels", 1, 4096, 8);
  map.number("factor", Range::between(0, 2), 1.0);
  map.quantity("share", Dimension::share, Range::between(0, 1), 0.5);
  map.boolean("enabled", true);
  map.choice("topology", topologies, "none");
  map.integers("counts", 0, 100, 3);
  map.texts("names", 4);
  map.maps("links", 4);
  map.finish();
}

/// "line:column: message | hint" of every mistake in `text`.
std::vector<std::string> mistakes(const std::string& text,
                                  const std::function<void(MapReader&)>& read = read_everything) {
  std::vector<std::string> found;
  Diagnostics diagnostics;
  try {
    MapReader map(load_text(text, "t.yaml", diagnostics), diagnostics);
    read(map);
    diagnostics.throw_if_any();
  } catch (const ConfigError& error) {
    for (const Mistake& m : error.mistakes()) {
      found.push_back(std::to_string(m.position.line) + ":" + std::to_string(m.position.column) + ": " + m.message +
                      (m.hint.empty() ? "" : " | " + m.hint));
    }
  }
  return found;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a number between 0 and 1 may be a percentage, others may not") {
  Diagnostics diagnostics;
  MapReader map(load_text("share: 87.5 %\nplain: 0.875\nfactor: 50 %\n", "shares.yaml", diagnostics), diagnostics);
  CHECK(map.number("share", Range::between(0, 1)) == 0.875);
  CHECK(map.number("plain", Range::between(0, 1)) == 0.875);
  map.number("factor", Range::between(0, 2));
  map.finish();
  REQUIRE(diagnostics.mistakes().size() == 1);
  CHECK(diagnostics.mistakes().front().position.line == 3);
}

TEST_CASE("Reader: the printed form has place, line, caret and the nearest name") {
  Diagnostics diagnostics;
  const std::string text = "memory:\n  dram:\n    bandwith: 1555 GB/s\n";
  const Node root = load_text(text, "a100.yaml", diagnostics);
  MapReader map(*root.find("memory")->find("dram"), diagnostics);
  map.quantity("bandwidth", Dimension::bandwidth, Range::positive(), 1e9);
  map.integer("channels", 1, 64, 8);
  map.finish();
  try {
    diagnostics.throw_if_any();
    FAIL("nothing was reported");
  } catch (const ConfigError& error) {
    CHECK(std::string(error.what()) ==
          "a100.yaml:3:5: error: unknown key \"bandwith\" in memory.dram\n"
          "    3 |     bandwith: 1555 GB/s\n"
          "      |     ^ did you mean \"bandwidth\"? (known: bandwidth, channels)");
  }
}

TEST_CASE("Reader: all mistakes of a file in one pass, in file order") {
  const Lines found = mistakes("bandwidth: 1555 GB\nchannels: 0\nfactor: 3\nname: x\nchanels: 4\nname: y\n");
  REQUIRE(found.size() == 5);
  CHECK(found[0].starts_with(
      "1:12: bandwidth must be a bandwidth with a unit, more than 0 B/s; found \"1555 GB\" | did you mean"));
  CHECK(found[1] == "2:11: channels must be an integer, 1 to 4096; found \"0\"");
  CHECK(found[2] == "3:9: factor must be a number, 0 to 2; found \"3\"");
  CHECK(
      found[3].starts_with("5:1: unknown key \"chanels\" in the file | did you mean \"channels\"? (known: bandwidth"));
  CHECK(found[4] == "6:1: duplicate key \"name\" | first given in line 4");
}

TEST_CASE("Reader: a missing key is reported where its map stands") {
  CHECK(mistakes("channels: 3\n") == Lines{"1:1: missing key \"name\" in the file"});
  CHECK(mistakes("") == Lines{"1:1: missing key \"name\" in the file"});
  CHECK(mistakes("# only a comment\n") == Lines{"1:1: missing key \"name\" in the file"});
  const Lines nested = mistakes("a: 1\nlinks:\n  - {from: x}\n", [](MapReader& map) {
    map.optional("a");
    for (const Node& link : map.maps("links", 4)) {
      MapReader reader(link, map.diagnostics());
      reader.text("from");
      reader.text("to");
      reader.finish();
    }
    map.finish();
  });
  CHECK(nested == Lines{"3:5: missing key \"to\" in links[0]"});
}

TEST_CASE("Reader: integers are decimal digits and nothing else") {
  const auto wrong = [](const std::string& value) {
    return mistakes("name: x\nchannels: " + value + "\n").size() == 1;
  };
  for (const char* value : {"0",     "-1",   "4097", "010",   "1e3", "0x10",   "12abc", "1.0", "99999999999999999999",
                            ".nan",  ".inf", "on",   "\"8\"", "[8]", "{a: 8}", "~",     "",    "8 GB",
                            "1_000", "+8",   "true", "null"}) {
    CAPTURE(value);
    CHECK(wrong(value));
  }
  for (const char* value : {"1", "8", "4096"}) {
    CAPTURE(value);
    CHECK_FALSE(wrong(value));
  }
  const Lines octal = mistakes("name: x\nchannels: 010\n");
  CHECK(octal.front().find("leading zero") != std::string::npos);
}

TEST_CASE(
    "Reader: quantities refuse zero, negative, not finite, overflowing and wrong units, with the accepted range") {
  const auto message = [](const std::string& value) {
    const Lines found = mistakes("name: x\nbandwidth: " + value + "\n");
    return found.size() == 1 ? found.front() : "not one mistake";
  };
  CHECK(message("0 GB/s") == "2:12: bandwidth must be a bandwidth with a unit, more than 0 B/s; found \"0 GB/s\"");
  CHECK(message("-1 GB/s") == "2:12: bandwidth must be a bandwidth with a unit, more than 0 B/s; found \"-1 GB/s\"");
  CHECK(message(".nan").ends_with("the value must be finite"));
  CHECK(message("inf").ends_with("the value must be finite"));
  CHECK(message("1e999 GB/s").ends_with("the number is too large or too small to be represented"));
  CHECK(message("5").find("the unit is missing") != std::string::npos);
  CHECK(message("5 Gb").find("did you mean \"Gb/s\"") != std::string::npos);
  CHECK(message("5 ns").find("known: TB/s") != std::string::npos);
  CHECK(message("fast").find("a number, then one of") != std::string::npos);
  CHECK(mistakes("name: x\nbandwidth: \"2 TB/s\"\n").empty());  // a quoted quantity is still one
  CHECK(mistakes("name: x\nshare: 87 %\n").empty());
  CHECK(mistakes("name: x\nshare: 120 %\n").size() == 1);
}

TEST_CASE("Reader: booleans, choices, texts and lists") {
  CHECK(mistakes("name: x\nenabled: false\n").empty());
  for (const char* value : {"on", "yes", "True", "1", "\"true\"", "[true]"}) {
    CAPTURE(value);
    CHECK(mistakes(std::string("name: x\nenabled: ") + value + "\n").size() == 1);
  }
  CHECK(mistakes("name: x\ntopology: swich\n") ==
        Lines{"2:11: topology cannot be \"swich\" | did you mean \"switch\"? (known: none, switch, mesh)"});
  CHECK(mistakes("name: [x]\n") == Lines{"1:7: name must be text; found a list"});
  CHECK(mistakes("name: \"\"\n") == Lines{"1:7: name must be text; found \"\""});
  CHECK(mistakes("name: x\ncounts: [1, 2, 101]\n") ==
        Lines{"2:16: counts[2] must be an integer, 0 to 100; found \"101\""});
  CHECK(mistakes("name: x\ncounts: [1, 2, 3, 4]\n") == Lines{"2:9: counts has 4 items; at most 3 are accepted"});
  CHECK(mistakes("name: x\ncounts: 3\n") == Lines{"2:9: counts must be a list; found \"3\""});
  CHECK(mistakes("name: x\ncounts: []\n") == Lines{"2:9: counts must not be empty"});
  CHECK(mistakes("name: x\nlinks: [a]\n") == Lines{"2:9: links[0] must be a map (key: value); found \"a\""});
  CHECK(mistakes("[name, x]\n") == Lines{"1:1: the file must be a map (key: value); found a list"});
}

TEST_CASE("Reader: declared keys carry what schemas and dumps need") {
  Diagnostics diagnostics;
  MapReader map(load_text("name: \"on\"\nchannels: 12\n", "t.yaml", diagnostics), diagnostics);
  read_everything(map);
  CHECK(diagnostics.empty());
  const auto& declared = map.declared();
  REQUIRE(declared.size() == 10);
  CHECK(declared[0].key == "name");
  CHECK(declared[0].required);
  CHECK(declared[0].value() == "\"on\"");
  CHECK(declared[1].dimension == Dimension::bandwidth);
  CHECK(declared[1].value() == "1 GB/s");
  CHECK(declared[2].value() == "12");
  CHECK(declared[6].choices == Lines{"none", "switch", "mesh"});
}

TEST_CASE("Reader: text written as YAML reads back as the same text") {
  for (const std::string text :
       {"plain",      "two words",   "on",        "No",        "12",       "1 GB/s", "",   " outer", "a: b", "#x",
        "say \"no\"", "back\\slash", "tab\there", "line\nend", "\xC3\xA9", "- a",    "*a", "null",   "a #b", "x "}) {
    Diagnostics diagnostics;
    const Node root = load_text("key: " + yaml_text(text) + "\n", "t.yaml", diagnostics);
    CAPTURE(text);
    CHECK(diagnostics.empty());
    REQUIRE(root.find("key"));
    CHECK(root.find("key")->type() == Node::Type::scalar);
    CHECK(root.find("key")->scalar() == text);
  }
}
