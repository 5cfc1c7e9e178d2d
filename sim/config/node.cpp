#include "sim/config/node.h"

#include <fmt/format.h>

#include "sim/config/document.h"

namespace sparsesim::config {
namespace {

const Node::Value* child(const Node::Value& map, std::string_view key) {
  if (map.type != Node::Type::map) return nullptr;
  for (const Node::Value* value : map.children)
    if (value->key == key) return value;
  return nullptr;
}

Position place_of_key(const Node::Value& value) {
  if (value.key_line > 0) return {value.document->file, value.key_line, value.key_column};
  return {value.document->file, value.line, value.column};
}

}  // namespace

Node::Value& Document::add() {
  const std::int64_t at = values_++ % kChunk;
  if (at == 0) chunks_.push_back(std::make_unique<Node::Value[]>(kChunk));
  return chunks_.back()[static_cast<std::size_t>(at)];
}

Node::Type Node::type() const { return value_->type; }
const std::string& Node::scalar() const { return value_->scalar; }
bool Node::quoted() const { return value_->quoted; }

Children<Node> Node::items() const { return Children<Node>(type() == Type::sequence ? value_ : nullptr); }
Children<Node::Entry> Node::entries() const { return Children<Entry>(type() == Type::map ? value_ : nullptr); }

template <class Child>
std::size_t Children<Child>::size() const {
  return parent_ ? parent_->children.size() : 0;
}

template <>
Node Children<Node>::operator[](std::size_t at) const {
  return Node(std::shared_ptr<const Node::Value>(parent_, parent_->children[at]));
}

template <>
Node::Entry Children<Node::Entry>::operator[](std::size_t at) const {
  const Node::Value* child = parent_->children[at];
  return {child->key, Node(std::shared_ptr<const Node::Value>(parent_, child))};
}

template class Children<Node>;
template class Children<Node::Entry>;

std::optional<Node> Node::find(std::string_view key) const {
  const Value* found = child(*value_, key);
  if (!found) return std::nullopt;
  return Node(std::shared_ptr<const Value>(value_, found));
}

Position Node::key_position(std::string_view key) const {
  const Value* found = child(*value_, key);
  return found ? place_of_key(*found) : position();
}

Position Node::key_position() const { return place_of_key(*value_); }

Position Node::position() const { return {value_->document->file, value_->line, value_->column}; }

std::string Node::path() const {
  if (!value_->parent) return "the file";
  std::string path;
  for (const Value* at = value_.get(); at->parent; at = at->parent) {
    const std::string key = at->key.empty() ? "\"\"" : at->key;
    const std::string step = at->index >= 0 ? fmt::format("[{}]", at->index) : key;
    const bool dot = !path.empty() && path.front() != '[';
    path = step + (dot ? "." : "") + path;
  }
  return path;
}

}  // namespace sparsesim::config
