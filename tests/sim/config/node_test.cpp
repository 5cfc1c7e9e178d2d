#include "sim/config/node.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

using namespace sparsesim::config;

namespace {

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

/// Messages of loading `load`; empty if all is well.
std::vector<std::string> messages(const std::function<void(Diagnostics&)>& load) {
  std::vector<std::string> found;
  Diagnostics diagnostics;
  try {
    load(diagnostics);
    diagnostics.throw_if_any();
  } catch (const ConfigError& error) {
    for (const Mistake& m : error.mistakes()) {
      found.push_back((m.position.line > 0
                           ? std::to_string(m.position.line) + ":" + std::to_string(m.position.column) + ": "
                           : "") +
                      m.message);
    }
  }
  return found;
}

std::vector<std::string> text_messages(const std::string& text, const Limits& limits = {}) {
  return messages([&](Diagnostics& diagnostics) { load_text(text, "t.yaml", diagnostics, limits); });
}
std::vector<std::string> file_messages(const std::string& path) {
  return messages([&](Diagnostics& diagnostics) { load_file(path, diagnostics); });
}

using Lines = std::vector<std::string>;

/// A folder that is gone after the test.
struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("sparsesim-node-" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name, std::ios::binary) << text;
    return (path / name).string();
  }
};

}  // namespace

TEST_CASE("Nodes know their type, place and path") {
  Diagnostics diagnostics;
  const Node root = load_text("a: 1\n\"\xC3\xA9\": {b: [x, {c: \"8\"}]}\nempty:\n", "t.yaml", diagnostics);
  CHECK(diagnostics.empty());
  CHECK(root.path() == "the file");
  REQUIRE(root.entries().size() == 3);
  CHECK(root.entries()[0].first == "a");
  const Node b = *root.find("\xC3\xA9")->find("b");
  CHECK(b.type() == Node::Type::sequence);
  const Node c = *b.items()[1].find("c");
  CHECK(c.path() == "\xC3\xA9.b[1].c");
  CHECK(c.quoted());
  CHECK_FALSE(b.items()[0].quoted());
  CHECK(c.position().line == 2);
  CHECK(c.position().column == 18);  // columns count characters, not bytes
  CHECK(root.key_position("a").column == 1);
  CHECK(root.find("a")->position().column == 4);
  CHECK(root.find("empty")->type() == Node::Type::null);
  CHECK(root.find("empty")->position().line == 3);
  CHECK(root.find("empty")->position().column == 1);
  CHECK_FALSE(root.find("nothing").has_value());
}

TEST_CASE("An empty key has a name in messages") {
  Diagnostics diagnostics;
  const Node root = load_text("a:\n  \"\": 1\n", "t.yaml", diagnostics);
  CHECK(root.find("a")->find("")->path() == "a.\"\"");
  CHECK(load_text("\"\": 1", "t.yaml", diagnostics).find("")->path() == "\"\"");
}

TEST_CASE("Columns of a long line are right, and quick to find") {
  // 200,000 values in one line of 800 kB: counting each column from the start of the line would visit 8e10 bytes.
  std::string text = "[\xC3\xA9";
  for (int i = 0; i < 200'000; ++i) text += ", 1";
  Diagnostics diagnostics;
  const auto start = std::chrono::steady_clock::now();
  const auto items = load_text(text + "]", "t.yaml", diagnostics).items();
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
  CHECK(items[0].position().column == 2);
  CHECK(items[1].position().column == 5);  // "[", the letter of two bytes, ", "
  CHECK(items[200'000].position().column == 5 + 3 * 199'999);
}

TEST_CASE("The excerpt of a long line is cut around its place") {
  Diagnostics diagnostics;
  const std::string line = std::string(500'000, 'a') + "X" + std::string(500'000, 'b');
  diagnostics.add({"t", 1, 500'001}, "here", "", line);
  const Mistake& mistake = diagnostics.mistakes().front();
  CHECK(mistake.excerpt.size() < 200);
  CHECK(mistake.excerpt[static_cast<std::size_t>(mistake.caret) - 1] == 'X');
  for (int i = 0; i < 300; ++i) diagnostics.add({"t", 1, 1}, "more");
  CHECK(diagnostics.full());
}

TEST_CASE("A node outlives everything but itself") {
  const auto deep = [] {
    Diagnostics diagnostics;
    return *load_text("a: {b: kept}\n", "t.yaml", diagnostics).find("a")->find("b");
  }();
  CHECK(deep.scalar() == "kept");
  CHECK(deep.position().file == "t.yaml");
}

TEST_CASE("Files: missing, a directory, a device, binary, empty") {
  const Folder folder;
  CHECK(file_messages((folder.path / "none.yaml").string()) == Lines{"no such file"});
  CHECK(file_messages("") == Lines{"no such file"});
  CHECK(file_messages(folder.path.string()) == Lines{"is a directory, not a file"});
  CHECK(file_messages("/dev/zero") == Lines{"is not a regular file"});
  CHECK(file_messages(folder.write("binary.yaml", std::string("\x7F"
                                                              "ELF\0\1\2",
                                                              7))) == Lines{"1:1: control character 0x7F"});
  CHECK(file_messages(folder.write("empty.yaml", "")).empty());
  CHECK(file_messages(folder.write(
            "huge.yaml", repeated("# 64 characters of a comment, again and again, to no purpose...\n", 70000))) ==
        Lines{"larger than 4194304 bytes"});
  CHECK(file_messages(folder.write("good.yaml",
                                   "\xEF\xBB\xBF"
                                   "a: 1\r\nb: 2\r\n"))
            .empty());
}

TEST_CASE("Text that is no UTF-8, or hides what it is") {
  CHECK(text_messages("a: \xE9\n") == Lines{"1:4: byte 0xE9 is not UTF-8 text"});
  CHECK(text_messages(std::string("a: b\0c\n", 7)) == Lines{"1:5: control character 0x00"});
  CHECK(text_messages("\xFF\xFE"
                      "a\0") == Lines{"UTF-16 text; only UTF-8 is read"});
  CHECK(text_messages("a:\n\tb: 1\n") == Lines{"2:1: a tab in the indentation"});
  CHECK(text_messages("a: b\xC2\x85\n") == Lines{"1:5: control character U+0085"});
  CHECK(text_messages("a: b # c\xE2\x80\xA8 d\n") ==
        Lines{"1:9: control character U+2028"});  // a line end for YAML alone
  CHECK(text_messages("\xC3\xA9: \xEF\xBB\xBF\n") == Lines{"1:4: control character U+FEFF"});
  CHECK(text_messages("a: \xEF\xBF\xBD \xF0\x9F\x98\x80\n").empty());
}

TEST_CASE("Anchors, aliases, merge keys and tags are refused, so nothing grows beyond the file") {
  CHECK(text_messages("a: &x 1\nb: *x\n") ==
        Lines{"1:4: anchors (&name) are not read", "2:4: aliases (*name) are not read"});
  CHECK(text_messages("a: &x [*x]\n").size() == 2);  // a list inside itself
  CHECK(text_messages("a: !!int 3\n") == Lines{"1:4: tags (tag:yaml.org,2002:int) are not read"});
  CHECK(text_messages("a: {<<: {b: 1}}\n") == Lines{"1:5: merge keys (<<) are not read"});
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'z'; ++c) {
    const std::string last = "*" + std::string(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " [" + last + repeated(", " + last, 8) + "]\n";
  }
  CHECK(text_messages(bomb).size() == Diagnostics::most_kept + 1);  // 9^26 values, had they been expanded
}

TEST_CASE("Keys: duplicates and what is no text") {
  CHECK(text_messages("a: 1\na: 2\na: 3\n") == Lines{"2:1: duplicate key \"a\"", "3:1: duplicate key \"a\""});
  CHECK(text_messages("a: {b: 1, b: {c: 1, c: 2}}\n") == Lines{"1:11: duplicate key \"b\""});
  CHECK(text_messages("? [1, 2]\n: 3\nb: 1\n") == Lines{"1:3: a key must be text"});
  CHECK(text_messages("?\n: 3\n") == Lines{"1:2: a key must be text"});
}

TEST_CASE("Documents: one per file, well-formed") {
  CHECK(text_messages("---\na: 1\n").empty());
  CHECK(text_messages("%YAML 1.2\n---\na: 1\n...\n").empty());
  CHECK(text_messages("a: 1\n---\nb: 2\n") == Lines{"more than one YAML document"});
  const auto starts = [](const std::string& text) {
    const Lines found = text_messages(text);
    return found.size() == 1 && found[0].find("not valid YAML: ") != std::string::npos;
  };
  CHECK(starts("a: [1, 2\n"));
  CHECK(starts("a: \"open\n"));
  CHECK(starts("a: 1\n  b: 2\n"));
  CHECK(starts("a: 1\nb 2\nc: 3\n"));
  CHECK(text_messages("a: 1\nb: \"open\nc: 3\n") == Lines{"2:4: not valid YAML: a quote that is never closed"});
  const std::string unclosed = "not valid YAML: did not find expected ',' or ']' while parsing a flow sequence";
  CHECK(text_messages("a: 1\nb: [1, 2\n\n") == Lines{"2:4: " + unclosed});
  CHECK(text_messages("a: {\"b\": ")[0].starts_with("1:9: not valid YAML: "));
  CHECK(text_messages("{a: 1}\nb: 2\n") ==
        Lines{"2:1: not valid YAML: text behind the end of the map or list that is the file"});
  CHECK(starts("a: ]\n"));
  CHECK(starts(": 3\n"));
}

TEST_CASE("Depth: accepted at the limit, refused one beyond") {
  Limits limits;
  limits.depth = 4;
  CHECK(text_messages("a: [[[1]]]\n", limits).empty());
  CHECK(text_messages("a: [[[[1]]]]\n", limits) == Lines{"1:7: nested deeper than 4 levels"});
  limits.values = 4;
  CHECK(text_messages("[1, 2, 3]", limits).empty());
  CHECK(text_messages("[1, 2, 3, 4]", limits) == Lines{"1:11: more than 4 values"});
}

TEST_CASE("Hostile texts of a megabyte end soon, with one clear mistake") {
  const int bytes = 1'000'000;
  for (const std::string unit : {"[",  "{",   "- ",  "? ",       "a: ",  "[a,",    "{a: ",  "\n",     "'",      "\"",
                                 "!",  "&a ", "*a ", "%",        "x",    " ",      "#",     "|\n",    "- - \n", "a\n",
                                 "[]", "{}",  ",",   "\xC3\xA9", "a:\n", "--- \n", "? a\n", "\"a\" ", "!<a> ",  "\\"}) {
    CAPTURE(unit);
    const auto start = std::chrono::steady_clock::now();
    const Lines found = text_messages(repeated(unit, bytes / static_cast<int>(unit.size())));
    CHECK(found.size() <= Diagnostics::most_kept + 1);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
  }
}
