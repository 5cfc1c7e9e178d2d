#include "models/substrate/substrate_search.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <set>

#include "sim/config/memory_file.h"

namespace sparsesim {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> yaml_files(const fs::path& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".yaml" && it->is_regular_file(error)) files.push_back(it->path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string text_of(const config::Node& root, std::string_view key, const std::string& fallback) {
  const auto node = root.find(key);
  return node && !node->scalar().empty() ? node->scalar() : fallback;
}

/// Name, title and aliases only, or the first mistake of a file that cannot be read.
SubstrateEntry read_entry(const std::string& path) {
  SubstrateEntry entry{fs::path(path).stem().string(), {}, path, {}, {}};
  try {
    config::Diagnostics ignored;  // mistakes are reported when the file is loaded
    const config::Node root = config::load_file(path, ignored);
    entry.name = text_of(root, "name", entry.name);
    entry.title = text_of(root, "title", "");
    if (const auto aliases = root.find("aliases"))
      for (const config::Node& alias : aliases->items()) entry.aliases.push_back(alias.scalar());
  } catch (const config::ConfigError& error) {
    entry.broken = error.brief();
  }
  return entry;
}

/// Whether a name goes on with this letter.
bool is_of_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.'; }

/// Whether the text of a file has the word: what has not is no file of that name, and reading YAML takes its time.
bool mentions(const std::string& path, const std::string& word) {
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  if (error) return false;
  std::string text(bytes, '\0');
  std::ifstream(path, std::ios::binary).read(text.data(), static_cast<std::streamsize>(bytes));
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_of_name(text[at - 1])) && (end == text.size() || !is_of_name(text[end]))) return true;
  }
  return false;
}

/// Calls take(entry) for the substrates whose path `wanted` says yes to, of equal names the first, until it returns
/// true.
template <class Wanted, class Take>
void visit_entries(const SearchPath& search, Wanted&& wanted, Take&& take) {
  std::set<std::string> names;
  for (const std::string& folder : search.folders) {
    for (const std::string& path : yaml_files(folder)) {
      if (!wanted(path)) continue;
      SubstrateEntry entry = read_entry(path);
      if (names.insert(entry.name).second && take(std::move(entry))) return;
    }
  }
}

std::string without_extension(const std::string& name) {
  constexpr std::string_view kExtension = ".yaml";
  return name.ends_with(kExtension) ? name.substr(0, name.size() - kExtension.size()) : name;
}

}  // namespace

std::optional<std::string> find_substrate(const std::string& path_or_name, const SearchPath& search) {
  if (config::find_in_memory(path_or_name)) return path_or_name;
  std::error_code error;
  const std::string name = without_extension(path_or_name);
  const bool plain = path_or_name.find('/') == std::string::npos;
  // A folder that happens to be called like a substrate does not hide it.
  if (fs::exists(path_or_name, error) && (!plain || fs::is_regular_file(path_or_name, error))) return path_or_name;
  if (!plain) return std::nullopt;
  for (const std::string& folder : search.folders) {
    const fs::path path = fs::path(folder) / (name + ".yaml");
    if (fs::is_regular_file(path, error)) return path.string();
  }
  std::optional<std::string> found;
  const auto is_meant = [&](const SubstrateEntry& entry) {
    const bool meant =
        entry.name == name || std::find(entry.aliases.begin(), entry.aliases.end(), name) != entry.aliases.end();
    if (meant) found = entry.path;
    return meant;
  };
  visit_entries(
      search, [&](const std::string& path) { return mentions(path, name); }, is_meant);
  if (found) return found;
  if (fs::exists(path_or_name, error)) return path_or_name;
  return std::nullopt;
}

std::vector<std::string> known_substrates(const SearchPath& search) {
  std::vector<std::string> names;
  for (const SubstrateEntry& entry : list_substrates(search)) {
    names.push_back(entry.name);
    names.insert(names.end(), entry.aliases.begin(), entry.aliases.end());
  }
  return names;
}

std::optional<std::string> find_shared_file(const std::string& kind, const std::string& name,
                                            const SearchPath& search) {
  std::error_code error;
  for (const std::string& folder : search.folders) {
    const fs::path path = fs::path(folder) / kind / (without_extension(name) + ".yaml");
    if (fs::is_regular_file(path, error)) return path.string();
  }
  return std::nullopt;
}

std::vector<std::string> kernel_files(const std::string& architecture, const SearchPath& search) {
  std::error_code error;
  for (const std::string& folder : search.folders) {
    const fs::path path = fs::path(folder) / "kernels" / architecture;
    if (fs::is_directory(path, error)) return yaml_files(path);
  }
  return {};
}

std::vector<SubstrateEntry> list_substrates(const SearchPath& search) {
  std::vector<SubstrateEntry> entries;
  const auto keep = [&](SubstrateEntry&& entry) {
    entries.push_back(std::move(entry));
    return false;
  };
  visit_entries(
      search, [](const std::string&) { return true; }, keep);
  return entries;
}

}  // namespace sparsesim
