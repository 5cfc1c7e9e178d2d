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

Node::Type Node::type() const { return value_->type; }
const std::string& Node::scalar() const { return value_->scalar; }
bool Node::quoted() const { return value_->quoted; }

std::vector<Node> Node::items() const {
  std::vector<Node> result;
  if (value_->type != Type::sequence) return result;
  for (const Value* item : value_->children) result.emplace_back(std::shared_ptr<const Value>(value_, item));
  return result;
}

std::vector<std::pair<std::string, Node>> Node::entries() const {
  std::vector<std::pair<std::string, Node>> result;
  if (value_->type != Type::map) return result;
  for (const Value* entry : value_->children)
    result.emplace_back(entry->key, Node(std::shared_ptr<const Value>(value_, entry)));
  return result;
}

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
