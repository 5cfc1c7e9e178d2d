#include "models/substrate/source_table.h"

#include <algorithm>
#include <vector>

namespace sparsesim {

SourceTable::SourceTable(std::map<std::string, std::string>& citations, std::string stem, bool inherit)
    : citations_(citations), stem_(std::move(stem)) {
  if (!inherit) return;
  for (const auto& [key, citation] : citations_) stored_[key] = key;
}

void SourceTable::read(const config::Node& node, config::Diagnostics& diagnostics) {
  if (node.type() != config::Node::Type::map) {
    diagnostics.add(node.position(), "sources must be a map from short keys to citations");
    return;
  }
  for (const auto& [key, citation] : node.entries()) {
    if (citation.type() != config::Node::Type::scalar || citation.scalar().empty()) {
      diagnostics.add(citation.position(), "the citation of source \"" + key + "\" must be a text");
      continue;
    }
    store(key, citation.scalar());
  }
}

void SourceTable::store(const std::string& key, const std::string& citation) {
  const auto known = citations_.find(key);
  const bool taken = known != citations_.end() && known->second != citation;
  const std::string name = taken ? key + "@" + stem_ : key;
  citations_[name] = citation;
  stored_[key] = name;
}

void SourceTable::adopt(const std::map<std::string, std::string>& alone) {
  for (const auto& [key, citation] : alone) store(key, citation);
}

std::string SourceTable::stored(const std::string& joined) const {
  std::string renamed;
  for (std::size_t begin = 0, end; begin < joined.size(); begin = end + 2) {
    end = std::min(joined.find(", ", begin), joined.size());
    const std::string key = joined.substr(begin, end - begin);
    const auto found = stored_.find(key);
    renamed += (renamed.empty() ? "" : ", ") + (found == stored_.end() ? key : found->second);
  }
  return renamed;
}

std::string SourceTable::cite(const config::Node& node, config::Diagnostics& diagnostics) const {
  std::string joined;
  if (node.type() == config::Node::Type::sequence) {
    for (const config::Node& item : node.items()) cite_key(item, diagnostics, joined);
    if (node.items().empty()) diagnostics.add(node.position(), "source must name at least one key of sources");
  } else {
    cite_key(node, diagnostics, joined);
  }
  return joined;
}

void SourceTable::cite_key(const config::Node& node, config::Diagnostics& diagnostics, std::string& joined) const {
  const auto found = stored_.find(node.scalar());
  if (found != stored_.end()) {
    joined += (joined.empty() ? "" : ", ") + found->second;
    return;
  }
  std::vector<std::string> known;
  for (const auto& [key, name] : stored_) known.push_back(key);
  const std::string near = config::nearest(node.scalar(), known);
  diagnostics.add(node.position(), "source \"" + node.scalar() + "\" is not listed in sources",
                  near.empty() ? "add it to the map sources of this file" : "did you mean \"" + near + "\"?");
}

}  // namespace sparsesim
