#include "sim/config/edit.h"

#include <algorithm>

#include "sim/config/document.h"

namespace sparsesim::config {
namespace {

/// Builds values into a document of their own; the file's name and lines stay those of the original.
class Copier {
 public:
  explicit Copier(const Node& original) { document_->file = original.position().file; }

  Node::Value& add(const Node* original, const std::string& key, Node::Value* parent) {
    Node::Value& value = document_->values.emplace_back();
    value.key = key;
    value.document = document_.get();
    value.parent = parent;
    if (parent != nullptr) parent->children.push_back(&value);
    if (original == nullptr) return value;
    value.type = original->type();
    value.quoted = original->quoted();
    value.scalar = original->scalar();
    const Position place = original->position(), key_place = original->key_position();
    value.line = place.line;
    value.column = place.column;
    value.key_line = key.empty() ? 0 : key_place.line;
    value.key_column = key.empty() ? 0 : key_place.column;
    return value;
  }

  void copy(const Node& original, const std::string& key, Node::Value& parent) {
    Node::Value& value = add(&original, key, &parent);
    for (const auto& [name, child] : original.entries()) copy(child, name, value);
    std::int64_t index = 0;
    for (const Node& item : original.items()) {
      copy(item, "", value);
      const_cast<Node::Value*>(value.children.back())->index = index++;  // built here, not yet shared
    }
  }

  Node node(const Node::Value& value) const { return Node(std::shared_ptr<const Node::Value>(document_, &value)); }

 private:
  std::shared_ptr<Document> document_ = std::make_shared<Document>();
};

}  // namespace

Node edited(const Node& map, const std::vector<std::string_view>& without,
            const std::vector<std::pair<std::string, Node>>& put) {
  Copier copier(map);
  Node::Value& above = copier.add(nullptr, "", nullptr);  // so that the copy's path is the original's
  Node::Value& copy = copier.add(&map, map.path(), &above);
  const auto replaced = [&](const std::string& key) {
    return std::find(without.begin(), without.end(), key) != without.end() ||
           std::any_of(put.begin(), put.end(), [&](const auto& entry) { return entry.first == key; });
  };
  for (const auto& [key, value] : map.entries())
    if (!replaced(key)) copier.copy(value, key, copy);
  for (const auto& [key, value] : put) copier.copy(value, key, copy);
  return copier.node(copy);
}

}  // namespace sparsesim::config
