#pragma once
// The storage behind Node; private to this folder.

#include <memory>
#include <string>
#include <vector>

#include "sim/config/node.h"

namespace sparsesim::config {

struct Document;

/// One value of the tree. `line` and `column` are 1-based, columns count code points.
struct Node::Value {
  Type type = Type::null;
  bool quoted = false;
  int line = 0;
  int column = 0;
  int key_line = 0;  // of the key in front of it; 0 for the root and for items
  int key_column = 0;
  std::int64_t index = -1;  // among the items of a sequence; -1 elsewhere
  std::string key;
  std::string scalar;
  const Value* parent = nullptr;
  const Document* document = nullptr;
  std::vector<const Value*> children;  // file order
};

struct Document {
  std::string file;
  std::vector<std::shared_ptr<Document>> others;  // files that values of an edited copy come from

  /// A further value of the tree; its address stays.
  Node::Value& add();
  std::int64_t values() const { return values_; }

 private:
  static constexpr std::int64_t kChunk = 32;

  std::vector<std::unique_ptr<Node::Value[]>> chunks_;
  std::int64_t values_ = 0;
};

/// Parses text that check_text() accepted. Errors: as load_text().
Node parse_document(const std::string& text, std::shared_ptr<Document> document, Diagnostics& diagnostics,
                    const Limits& limits);

}  // namespace sparsesim::config
