// libyaml's events to our tree. Marks of libyaml are 0-based and count code points.

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <array>
#include <new>
#include <unordered_map>

#include "sim/config/document.h"
#include "sim/config/text_check.h"

namespace sparsesim::config {
namespace {

constexpr std::size_t kUsualChildren = 4;

/// Ends the parse from inside an event; the reason was reported already.
struct Refused {};

class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  ~Event() { yaml_event_delete(&event_); }
  yaml_event_t* get() { return &event_; }
  const yaml_event_t* operator->() const { return &event_; }

 private:
  yaml_event_t event_{};
};

/// The events of a text, which must outlive it.
class EventStream {
 public:
  explicit EventStream(const std::string& text) {
    if (!yaml_parser_initialize(&parser_)) throw std::bad_alloc();
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  EventStream(const EventStream&) = delete;
  ~EventStream() { yaml_parser_delete(&parser_); }
  /// False where the text is no YAML: problem() says why.
  bool next(Event& event) {
    if (yaml_parser_parse(&parser_, event.get())) return true;
    if (parser_.error == YAML_MEMORY_ERROR) throw std::bad_alloc();
    return false;
  }
  const yaml_parser_t& problem() const { return parser_; }

 private:
  yaml_parser_t parser_{};
};

std::string_view text_of(const yaml_char_t* text) {
  return text ? reinterpret_cast<const char*>(text) : std::string_view();
}

/// Whether a scalar says that there is no value.
bool is_null(const yaml_event_t& event) {
  const auto& scalar = event.data.scalar;
  if (scalar.style != YAML_PLAIN_SCALAR_STYLE || scalar.tag) return false;
  static constexpr std::array<std::string_view, 5> kNulls = {"", "~", "null", "Null", "NULL"};
  const std::string_view text(reinterpret_cast<const char*>(scalar.value), scalar.length);
  return std::find(kNulls.begin(), kNulls.end(), text) != kNulls.end();
}

/// The place behind the last letter: libyaml sees the end of a file in the line after it.
Position end_of(const std::string& text, const std::string& file) {
  const std::size_t end = text.find_last_not_of(" \r\n") + 1;  // 0 where there is none
  int line = 1;
  std::size_t start = 0;
  for (std::size_t at = 0; at < end; ++at) {
    if (text[at] != '\n' && (text[at] != '\r' || text[at + 1] == '\n')) continue;
    ++line;
    start = at + 1;
  }
  return {file, line, column_of(std::string_view(text).substr(start), end - start)};
}

class TreeBuilder {
 public:
  TreeBuilder(Document& document, Diagnostics& diagnostics, const Limits& limits)
      : document_(document), diagnostics_(diagnostics), limits_(limits) {}

  Node::Value* root() const { return root_; }
  void take(const yaml_event_t& event);
  void report(const yaml_parser_t& problem, const std::string& text);

 private:
  /// A map or sequence whose end was not reached yet.
  struct Open {
    Node::Value* value = nullptr;  // null inside a key that is no text: its parts are dropped
    bool is_map = false;
    bool is_flow = false;  // in braces
    bool expects_key = true;
    std::string key;
    yaml_mark_t key_mark{};
    bool drop = false;                                              // the next value belongs to a key that was refused
    std::unordered_map<std::string_view, const Node::Value*> keys;  // of the first children; see earlier()
  };

  Position at(const yaml_mark_t& mark) const {
    return {document_.file, static_cast<int>(mark.line) + 1, static_cast<int>(mark.column) + 1};
  }
  void take_scalar(const yaml_event_t& event);
  /// Makes the value that an event brings, or returns nothing where the event is a key or is to be dropped.
  Node::Value* place(const yaml_event_t& event, const yaml_char_t* anchor, const yaml_char_t* tag, Node::Type type);
  Node::Value* attach(const yaml_event_t& event, Node::Type type);
  void open(const yaml_event_t& event, const yaml_char_t* anchor, const yaml_char_t* tag, Node::Type type);
  void take_key(const yaml_mark_t& mark, std::string_view text);
  /// The value of an earlier key of this name.
  static const Node::Value* earlier(Open& map, std::string_view key);

  Document& document_;
  Diagnostics& diagnostics_;
  const Limits& limits_;
  Node::Value* root_ = nullptr;
  std::vector<Open> open_;
  bool key_taken_ = false;
};

void TreeBuilder::take(const yaml_event_t& event) {
  switch (event.type) {
    case YAML_ALIAS_EVENT:
      diagnostics_.add(at(event.start_mark), "aliases (*name) are not read", "write the value out");
      place(event, nullptr, nullptr, Node::Type::null);
      break;
    case YAML_SCALAR_EVENT:
      take_scalar(event);
      break;
    case YAML_SEQUENCE_START_EVENT:
      open(event, event.data.sequence_start.anchor, event.data.sequence_start.tag, Node::Type::sequence);
      break;
    case YAML_MAPPING_START_EVENT:
      open(event, event.data.mapping_start.anchor, event.data.mapping_start.tag, Node::Type::map);
      open_.back().is_flow = event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
      break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      open_.pop_back();
      break;
    default:
      break;
  }
}

void TreeBuilder::take_scalar(const yaml_event_t& event) {
  const auto& scalar = event.data.scalar;
  const std::string_view text(reinterpret_cast<const char*>(scalar.value), scalar.length);
  const Node::Type type = is_null(event) ? Node::Type::null : Node::Type::scalar;
  Node::Value* value = place(event, scalar.anchor, scalar.tag, type);
  if (!value) return take_key(event.start_mark, text);
  if (type == Node::Type::null) return;
  value->scalar = text;
  value->quoted = scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

Node::Value* TreeBuilder::place(const yaml_event_t& event, const yaml_char_t* anchor, const yaml_char_t* tag,
                                Node::Type type) {
  const yaml_mark_t& mark = event.start_mark;
  if (anchor) diagnostics_.add(at(mark), "anchors (&name) are not read", "write the value out");
  if (tag) diagnostics_.add(at(mark), fmt::format("tags ({}) are not read", text_of(tag)), "remove the tag");
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
  return attach(event, type);
}

Node::Value* TreeBuilder::attach(const yaml_event_t& event, Node::Type type) {
  const yaml_mark_t& mark = event.start_mark;
  if (document_.values() >= limits_.values) {
    diagnostics_.add(at(mark), fmt::format("more than {} values", limits_.values), "is this the right file?");
    throw Refused{};
  }
  Node::Value& value = document_.add();
  value.type = type;
  value.line = static_cast<int>(mark.line) + 1;
  value.column = static_cast<int>(mark.column) + 1;
  value.document = &document_;
  if (open_.empty()) {
    root_ = &value;
    return &value;
  }
  Open& parent = open_.back();
  value.parent = parent.value;
  if (parent.is_map) {
    value.key = std::move(parent.key);
    value.key_line = static_cast<int>(parent.key_mark.line) + 1;
    value.key_column = static_cast<int>(parent.key_mark.column) + 1;
    const bool nothing = type == Node::Type::null && mark.index == event.end_mark.index;
    if (nothing && (!parent.is_flow || value.line != value.key_line)) {
      value.line = value.key_line;  // the mark is behind the colon, or further
      value.column = value.key_column;
    }
  } else {
    value.index = static_cast<std::int64_t>(parent.value->children.size());
  }
  auto& siblings = parent.value->children;
  if (siblings.empty()) siblings.reserve(kUsualChildren);
  siblings.push_back(&value);
  return &value;
}

void TreeBuilder::open(const yaml_event_t& event, const yaml_char_t* anchor, const yaml_char_t* tag, Node::Type type) {
  if (static_cast<int>(open_.size()) >= limits_.depth) {
    diagnostics_.add(at(event.start_mark), fmt::format("nested deeper than {} levels", limits_.depth));
    throw Refused{};
  }
  Node::Value* value = place(event, anchor, tag, type);
  Open& opened = open_.emplace_back();
  opened.value = value;
  opened.is_map = type == Node::Type::map;
}

const Node::Value* TreeBuilder::earlier(Open& map, std::string_view key) {
  constexpr std::size_t kFew = 16;  // most maps: a search is quicker than a table
  const auto& children = map.value->children;
  if (children.size() <= kFew) {
    const auto found =
        std::find_if(children.begin(), children.end(), [&](const auto* child) { return child->key == key; });
    return found == children.end() ? nullptr : *found;
  }
  for (std::size_t i = map.keys.size(); i < children.size(); ++i) map.keys.emplace(children[i]->key, children[i]);
  const auto found = map.keys.find(key);
  return found == map.keys.end() ? nullptr : found->second;
}

void TreeBuilder::take_key(const yaml_mark_t& mark, std::string_view text) {
  if (!key_taken_) return;
  Open& map = open_.back();
  if (!map.value) return;
  if (text == "<<") {
    diagnostics_.add(at(mark), "merge keys (<<) are not read", "write the keys out");
    map.drop = true;
    return;
  }
  const Node::Value* first = earlier(map, text);
  map.key = text;
  map.key_mark = mark;
  if (!first) return;
  map.drop = true;
  diagnostics_.add(at(mark), fmt::format("duplicate key \"{}\"", text),
                   fmt::format("first given in line {}", first->key_line));
}

void TreeBuilder::report(const yaml_parser_t& problem, const std::string& text) {
  const std::string_view context = problem.context ? problem.context : "", what = problem.problem;
  if (context == "while scanning a quoted scalar" && what == "found unexpected end of stream")
    return diagnostics_.add(at(problem.context_mark), "not valid YAML: a quote that is never closed");
  if (what == "did not find expected <document start>")
    return diagnostics_.add(at(problem.problem_mark),
                            "not valid YAML: text behind the end of the map or list that is the file");
  const Position began = at(problem.context_mark), last = end_of(text, document_.file);
  Position place = at(problem.problem_mark);
  if (place.line > last.line) place = !context.empty() && began.line <= last.line ? began : last;
  const bool elsewhere = !context.empty() && began.line < place.line;
  diagnostics_.add(place, fmt::format("not valid YAML: {}{}{}", what, context.empty() ? "" : " ", context),
                   elsewhere ? fmt::format("it began in line {}", began.line) : "");
}

void read_events(const std::string& text, const std::string& file, TreeBuilder& builder, Diagnostics& diagnostics) {
  EventStream events(text);
  for (yaml_event_type_t type = YAML_NO_EVENT; type != YAML_STREAM_END_EVENT;) {
    Event event;
    if (!events.next(event)) {
      builder.report(events.problem(), text);
      diagnostics.throw_if_any();
    }
    type = event->type;
    if (type == YAML_DOCUMENT_START_EVENT && builder.root()) {
      diagnostics.add({file, 0, 0}, "more than one YAML document", "keep one document per file (no --- in between)");
      diagnostics.throw_if_any();
    }
    builder.take(*event.get());
  }
}

}  // namespace

Node parse_document(const std::string& text, std::shared_ptr<Document> document, Diagnostics& diagnostics,
                    const Limits& limits) {
  TreeBuilder builder(*document, diagnostics, limits);
  try {
    read_events(text, document->file, builder, diagnostics);
  } catch (const Refused&) {
    diagnostics.throw_if_any();
  }
  const Node::Value* root = builder.root();
  if (!root || root->type == Node::Type::null) {
    Node::Value& empty = document->add();
    empty.type = Node::Type::map;
    empty.line = empty.column = 1;
    empty.document = document.get();
    root = &empty;
  }
  return Node(std::shared_ptr<const Node::Value>(std::move(document), root));
}

}  // namespace sparsesim::config
