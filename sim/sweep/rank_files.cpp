#include "sim/sweep/rank_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

namespace sparsesim::sweep {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRank = ".rank-";

std::optional<int> rank_of(const std::string& name, const std::string& of) {
  if (!name.starts_with(of) || !std::string_view(name).substr(of.size()).starts_with(kRank)) return std::nullopt;
  const char* begin = name.data() + of.size() + kRank.size();
  const char* end = name.data() + name.size();
  int rank = 0;
  const auto [last, error] = std::from_chars(begin, end, rank);
  return error == std::errc() && last == end && rank > 0 ? std::optional(rank) : std::nullopt;
}

}  // namespace

std::string rank_file(const std::string& file, int rank) { return fmt::format("{}{}{}", file, kRank, rank); }

std::vector<std::string> rank_files(const std::string& file) {
  const fs::path path = file, folder = path.has_parent_path() ? path.parent_path() : ".";
  std::vector<int> ranks;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (const auto rank = rank_of(entry->path().filename().string(), path.filename().string())) ranks.push_back(*rank);
  std::sort(ranks.begin(), ranks.end());
  std::vector<std::string> files;
  for (const int rank : ranks) files.push_back(rank_file(file, rank));
  return files;
}

std::int64_t take_over(Store& store, const std::vector<std::string>& rank_files) {
  std::int64_t added = 0;
  for (const std::string& file : rank_files) {
    Store part(file, Store::Mode::write);  // no other process writes to it
    added += store.merge(part);
  }
  if (!rank_files.empty()) store.flush();
  for (const std::string& file : rank_files) {
    std::error_code error;
    if (!fs::remove(file, error) && error)
      throw StoreError(fmt::format("{}: cannot remove: {}", file, error.message()), false);
  }
  return added;
}

}  // namespace sparsesim::sweep
