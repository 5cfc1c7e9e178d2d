#include "sim/config/edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>

#include "sim/config/document.h"
#include "sim/config/scalar.h"

namespace sparsesim::config {
namespace {

bool is_word(const Node& value, std::string_view word) {
  return value.type() == Node::Type::scalar && !value.quoted() && value.scalar() == word;
}

/// Changes below a value, as far as their paths are not yet walked.
struct Pending {
  std::span<const std::string> path;
  const Node* value = nullptr;
};
using PendingList = std::vector<Pending>;

PendingList below(const PendingList& changes, std::string_view step) {
  PendingList result;
  for (const Pending& change : changes)
    if (!change.path.empty() && change.path.front() == step) result.push_back({change.path.subspan(1), change.value});
  return result;
}

std::string name_of(const Node& item) {
  const auto name = item.find("name");
  return name ? name->scalar() : std::string();
}

/// Builds values into documents of its own, one per file that the originals come from.
class Copier {
 public:
  Node copy(const Node& root, const PendingList& changes, const std::vector<std::string_view>& without) {
    const bool whole = root.path() == "the file";
    Node::Value* above = whole ? nullptr : &add(root, "", nullptr);  // so that the copy's path is the original's
    Node::Value& top = add(root, whole ? "" : root.path(), above);
    fill(top, root, changes);
    std::erase_if(top.children, [&](const Node::Value* child) {
      return std::find(without.begin(), without.end(), child->key) != without.end();
    });
    return Node(std::shared_ptr<const Node::Value>(document_, &top));
  }

 private:
  /// Values are kept by the first document; the others only name their file.
  const Document* document_of(const std::string& file) {
    if (!document_) document_ = std::make_shared<Document>();
    if (document_->file.empty()) document_->file = file;
    if (document_->file == file) return document_.get();
    for (const auto& other : document_->others)
      if (other->file == file) return other.get();
    document_->others.push_back(std::make_shared<Document>());
    document_->others.back()->file = file;
    return document_->others.back().get();
  }

  Node::Value& add(const Node& original, const std::string& key, Node::Value* parent) {
    const Position place = original.position(), key_place = original.key_position();
    const Document* document = document_of(place.file);
    Node::Value& value = document_->add();
    value.document = document;
    value.key = key;
    value.parent = parent;
    if (parent != nullptr) parent->children.push_back(&value);
    value.type = original.type();
    value.quoted = original.quoted();
    value.scalar = original.scalar();
    value.line = place.line;
    value.column = place.column;
    value.key_line = key.empty() ? 0 : key_place.line;
    value.key_column = key.empty() ? 0 : key_place.column;
    return value;
  }

  /// A value at a key: the original, or what the changes put there.
  void put(const Node& original, const std::string& key, Node::Value& parent, PendingList changes) {
    const Node* chosen = &original;
    for (const Pending& change : changes)
      if (change.path.empty()) chosen = change.value;
    if (chosen != &original && means_absent(*chosen)) return;
    std::erase_if(changes, [](const Pending& change) { return change.path.empty(); });
    fill(add(*chosen, key, &parent), *chosen, changes);
  }

  void fill(Node::Value& copy, const Node& original, const PendingList& changes) {
    if (original.type() == Node::Type::scalar) refuse_below(original, changes);
    std::int64_t index = 0;
    for (const Node& item : original.items()) {
      Node::Value& value = add(item, "", &copy);
      value.index = index++;
      const std::string name = name_of(item);
      fill(value, item, name.empty() ? PendingList{} : below(changes, name));
    }
    for (const auto& [key, child] : original.entries()) put(child, key, copy, below(changes, key));
    if (original.type() == Node::Type::map) add_missing(copy, changes);
  }

  /// What two changes put there does not go together.
  static void refuse_below(const Node& value, const PendingList& changes) {
    for (const Pending& change : changes)
      if (!means_absent(*change.value))
        throw ConfigError(
            {change.value->position(), fmt::format("nothing is below {}", describe_value(value)), {}, {}});
  }

  void add_missing(Node::Value& map, const PendingList& changes) {
    for (const Pending& change : changes) {
      const std::string& key = change.path.front();
      const auto there = [&](const Node::Value* child) { return child->key == key; };
      if (std::any_of(map.children.begin(), map.children.end(), there)) continue;
      const PendingList further = below(changes, key);
      if (std::all_of(further.begin(), further.end(), [](const Pending& f) { return means_absent(*f.value); }))
        continue;
      if (std::any_of(further.begin(), further.end(), [](const Pending& f) { return f.path.empty(); })) {
        put(*change.value, key, map, further);
        continue;
      }
      Node::Value& on_the_way = add(*change.value, key, &map);
      on_the_way.type = Node::Type::map;
      on_the_way.scalar.clear();
      add_missing(on_the_way, further);
    }
  }

  std::shared_ptr<Document> document_;
};

}  // namespace

bool means_absent(const Node& value) { return is_word(value, kAbsent); }
bool means_present(const Node& value) { return is_word(value, kPresent); }

bool has_path(const Node& root, const std::vector<std::string>& path) {
  Node at = root;
  for (const std::string& step : path) {
    std::optional<Node> next = at.find(step);
    if (at.type() == Node::Type::sequence)
      for (const Node& item : at.items())
        if (name_of(item) == step) next = item;
    if (!next) return false;
    at = *next;
  }
  return true;
}

Node with_changes(const Node& root, const std::vector<Change>& changes, const std::vector<std::string_view>& without) {
  PendingList pending;
  for (const Change& change : changes) pending.push_back({change.path, &change.value});
  return Copier().copy(root, pending, without);
}

}  // namespace sparsesim::config
