#include "models/evaluate/workload_paths.h"

#include <fmt/format.h>

#include <optional>

#include "sim/config/reader.h"

namespace sparsesim {

std::vector<std::string> split_workload_path(const std::string& path) {
  std::vector<std::string> keys;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    keys.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return keys;
}

std::string wrong_workload_path(const config::Node& tree, const std::string& path) {
  const std::string wrong = wrong_workload_path(tree, split_workload_path(path));
  return wrong.empty() ? wrong : fmt::format("\"{}\": {}", path, wrong);
}

std::string wrong_workload_path(const config::Node& tree, const std::vector<std::string>& keys) {
  using Type = config::Node::Type;
  std::optional<config::Node> at = tree;
  bool is_item = false;
  for (const std::string& key : keys) {
    if (key.empty()) return "a key is empty";
    if (!at) continue;  // below what is not there yet, everything is new
    is_item = at->type() == Type::sequence;
    if (is_item) {
      std::vector<std::string> names;
      std::optional<config::Node> found;
      for (const config::Node& item : at->items())
        if (const auto name = item.find("name")) {
          names.push_back(name->scalar());
          if (name->scalar() == key) found = item;
        }
      if (!found)
        return fmt::format("no item is called \"{}\"{}", key,
                           names.empty() ? "" : fmt::format(" (known: {})", fmt::join(names, ", ")));
      at = found;
    } else if (at->type() == Type::map) {
      at = at->find(key);
    } else {
      return "nothing is below a value";
    }
  }
  return is_item ? fmt::format("a key of \"{}\" is missing", keys.back()) : std::string();
}

}  // namespace sparsesim
