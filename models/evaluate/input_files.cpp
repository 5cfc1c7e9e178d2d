#include "models/evaluate/input_files.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <string_view>

#include "models/evaluate/run.h"
#include "models/sparsity/formats/byte_file.h"
#include "models/sparsity/formats/mask_formats.h"

namespace sparsesim {
namespace {

/// A key whose value names a file, and what stands before the name.
struct FileKey {
  std::string_view name, prefix;
  bool is_mask;
};
constexpr std::array<FileKey, 4> kFileKeys{
    {{"mask", "", true}, {"b_mask", "", true}, {"trace", "", false}, {"routing", "trace:", false}}};

template <class T>
std::string hash_of(const std::vector<T>& values) {
  return fnv1a({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

std::string digest(const InputFile& file) {
  if (!file.is_mask) {
    const ByteFile bytes(file.path);
    return fnv1a(bytes.read(0, bytes.size()));
  }
  const Mask mask = read_mask(parse_mask_name(file.path));
  return fmt::format("{} {} {} {}", mask.rows, mask.columns, hash_of(mask.offsets), hash_of(mask.indices));
}

}  // namespace

std::vector<InputFile> input_files(const config::Node& op) {
  const auto folder = std::filesystem::path(op.position().file).parent_path();
  std::vector<InputFile> files;
  for (const FileKey& key : kFileKeys) {
    const auto value = op.find(key.name);
    if (!value || value->scalar().empty() || !value->scalar().starts_with(key.prefix)) continue;
    files.push_back({(folder / value->scalar().substr(key.prefix.size())).string(), key.is_mask});
  }
  return files;
}

std::string digest(std::span<const InputFile> files) {
  std::string text;
  for (const InputFile& file : files) text += digest(file) + "\n";
  return text;
}

}  // namespace sparsesim
