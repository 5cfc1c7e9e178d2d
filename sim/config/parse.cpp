// yaml-cpp's events to our tree. Marks of yaml-cpp are 0-based and count bytes.

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "sim/config/document.h"
#include "sim/config/text_check.h"
#include "sim/core/utf8.h"

namespace sparsesim::config {
namespace {

/// Ends the parse from inside an event; the reason was reported already.
struct Refused {};

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(Document& document, Diagnostics& diagnostics, const Limits& limits)
      : document_(document), diagnostics_(diagnostics), limits_(limits) {}

  Node::Value* root() const { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { place(mark, anchor, "", Node::Type::null); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    diagnostics_.add(at(mark), "aliases (*name) are not read", "write the value out");
    place(mark, 0, "", Node::Type::null);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (tag == "!") last_quoted_ = mark;
    Node::Value* value = place(mark, anchor, tag, Node::Type::scalar);
    if (!value) {
      take_key(mark, text);
      return;
    }
    value->scalar = text;
    value->quoted = tag == "!";
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Type::sequence);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Type::map);
  }
  void OnMapEnd() override { open_.pop_back(); }

  /// Reports a quote that is never closed: yaml-cpp 0.7 accepts one where the last line ends in a line feed.
  /// Only the last quoted scalar of a file can be open.
  void check_last_quote();

  Position at(const YAML::Mark& mark) const {
    if (mark.line < 0) return {document_.file, 0, 0};
    const auto line = static_cast<std::size_t>(mark.line);
    const bool known = line < document_.lines->size();
    const auto bytes = static_cast<std::size_t>(std::max(mark.column, 0));
    return {document_.file, mark.line + 1, known ? column(line, bytes) : mark.column + 1};
  }

 private:
  /// Column of a byte, counted on from the mark before: marks come in order, and a line may hold a whole file.
  int column(std::size_t line, std::size_t bytes) const {
    if (line != counted_line_ || bytes < counted_bytes_) {
      counted_line_ = line;
      counted_bytes_ = 0;
      counted_column_ = 1;
    }
    const std::string_view text = (*document_.lines)[line];
    const std::size_t end = std::min(bytes, text.size());
    if (end > counted_bytes_) {
      counted_column_ += static_cast<int>(code_points(text.substr(counted_bytes_, end - counted_bytes_)));
      counted_bytes_ = end;
    }
    return counted_column_;
  }

  /// A map or sequence whose end was not reached yet.
  struct Open {
    Node::Value* value = nullptr;  // null inside a key that is no text: its parts are dropped
    bool is_map = false;
    bool expects_key = true;
    std::string key;
    Position key_position;
    bool drop = false;                // the next value belongs to a key that was refused
    std::map<std::string, int> keys;  // and the line where each stands first
  };

  /// Makes the value that an event brings, or returns nothing where the event is a key or is to be dropped.
  Node::Value* place(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag, Node::Type type);
  Node::Value* attach(const YAML::Mark& mark, Node::Type type);
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Type type);
  void take_key(const YAML::Mark& mark, const std::string& text);

  Document& document_;
  Diagnostics& diagnostics_;
  const Limits& limits_;
  Node::Value* root_ = nullptr;
  std::vector<Open> open_;
  bool key_taken_ = false;
  mutable std::size_t counted_line_ = 0, counted_bytes_ = 0;
  mutable int counted_column_ = 1;
  YAML::Mark last_quoted_ = YAML::Mark::null_mark();
};

void TreeBuilder::check_last_quote() {
  if (last_quoted_.line < 0) return;
  auto line = static_cast<std::size_t>(last_quoted_.line);
  auto column = static_cast<std::size_t>(std::max(last_quoted_.column, 0));
  const auto& lines = *document_.lines;
  const char quote = line < lines.size() && column < lines[line].size() ? lines[line][column] : ' ';
  if (quote != '"' && quote != '\'') return;  // an anchor or tag in front, which is refused anyway
  for (++column; line < lines.size(); ++line, column = 0) {
    for (; column < lines[line].size(); ++column) {
      const char c = lines[line][column];
      const bool doubled = quote == '\'' && lines[line].compare(column, 2, "''") == 0;
      if (c == quote && !doubled) return;
      if (doubled || (quote == '"' && c == '\\')) ++column;
    }
  }
  diagnostics_.add(at(last_quoted_), "not valid YAML: a quote that is never closed");
}

Node::Value* TreeBuilder::place(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag,
                                Node::Type type) {
  if (anchor != 0) diagnostics_.add(at(mark), "anchors (&name) are not read", "write the value out");
  if (!tag.empty() && tag != "?" && tag != "!") {
    diagnostics_.add(at(mark), fmt::format("tags ({}) are not read", tag), "remove the tag");
  }
  key_taken_ = false;
  Open* parent = open_.empty() ? nullptr : &open_.back();
  if (parent && parent->is_map && parent->expects_key) {
    parent->expects_key = false;
    parent->drop = type != Node::Type::scalar || !parent->value;
    key_taken_ = type == Node::Type::scalar;
    if (type != Node::Type::scalar && parent->value) {
      diagnostics_.add(at(mark), "a key must be text", type == Node::Type::null ? "the key is missing" : "");
    }
    return nullptr;
  }
  if (parent && parent->is_map) parent->expects_key = true;
  if (parent && (!parent->value || parent->drop)) return nullptr;
  return attach(mark, type);
}

Node::Value* TreeBuilder::attach(const YAML::Mark& mark, Node::Type type) {
  if (static_cast<std::int64_t>(document_.values.size()) >= limits_.values) {
    diagnostics_.add(at(mark), fmt::format("more than {} values", limits_.values), "is this the right file?");
    throw Refused{};
  }
  Node::Value& value = document_.values.emplace_back();
  const Position position = at(mark);
  value.type = type;
  value.line = position.line;
  value.column = position.column;
  value.document = &document_;
  if (open_.empty()) {
    root_ = &value;
    return &value;
  }
  Open& parent = open_.back();
  value.parent = parent.value;
  if (parent.is_map) {
    value.key = parent.key;
    value.key_line = parent.key_position.line;
    value.key_column = parent.key_position.column;
    if (type == Node::Type::null &&
        value.line != value.key_line) {  // nothing after the colon: the mark is the next token
      value.line = value.key_line;
      value.column = value.key_column;
    }
  } else {
    value.index = static_cast<std::int64_t>(parent.value->children.size());
  }
  parent.value->children.push_back(&value);
  return &value;
}

void TreeBuilder::open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Type type) {
  if (static_cast<int>(open_.size()) >= limits_.depth) {
    diagnostics_.add(at(mark), fmt::format("nested deeper than {} levels", limits_.depth));
    throw Refused{};
  }
  Node::Value* value = place(mark, anchor, tag, type);
  Open opened;
  opened.value = value;
  opened.is_map = type == Node::Type::map;
  open_.push_back(std::move(opened));
}

void TreeBuilder::take_key(const YAML::Mark& mark, const std::string& text) {
  if (!key_taken_) return;
  Open& map = open_.back();
  if (!map.value) return;
  if (text == "<<") {
    diagnostics_.add(at(mark), "merge keys (<<) are not read", "write the keys out");
    map.drop = true;
    return;
  }
  map.key = text;
  map.key_position = at(mark);
  const auto [first, fresh] = map.keys.emplace(text, map.key_position.line);
  if (fresh) return;
  map.drop = true;
  diagnostics_.add(map.key_position, fmt::format("duplicate key \"{}\"", text),
                   fmt::format("first given in line {}", first->second));
}

}  // namespace

Node parse_document(const std::string& text, std::shared_ptr<Document> document, Diagnostics& diagnostics,
                    const Limits& limits) {
  TreeBuilder builder(*document, diagnostics, limits);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    builder.check_last_quote();
    if (builder.root() && parser) {
      diagnostics.add({document->file, 0, 0}, "more than one YAML document",
                      "keep one document per file (no --- in between)");
      diagnostics.throw_if_any();
    }
  } catch (const YAML::Exception& error) {
    diagnostics.add(builder.at(error.mark), "not valid YAML: " + error.msg);
    diagnostics.throw_if_any();
  } catch (const Refused&) {
    diagnostics.throw_if_any();
  }
  const Node::Value* root = builder.root();
  if (!root || root->type == Node::Type::null) {
    Node::Value& empty = document->values.emplace_back();
    empty.type = Node::Type::map;
    empty.line = empty.column = 1;
    empty.document = document.get();
    root = &empty;
  }
  return Node(std::shared_ptr<const Node::Value>(std::move(document), root));
}

}  // namespace sparsesim::config
