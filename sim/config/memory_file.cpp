#include "sim/config/memory_file.h"

#include <map>
#include <mutex>

namespace sparsesim::config {
namespace {

struct MemoryFiles {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<const MemoryFile>, std::less<>> files;
};

MemoryFiles& memory_files() {
  static MemoryFiles files;
  return files;
}

}  // namespace

std::shared_ptr<const MemoryFile> hold_in_memory(const std::string& name, std::shared_ptr<const MemoryFile> file) {
  MemoryFiles& known = memory_files();
  const std::lock_guard lock(known.mutex);
  std::erase_if(known.files, [](const auto& entry) { return entry.second.expired(); });
  auto& entry = known.files[name];
  if (auto held = entry.lock()) return held;
  entry = file;
  return file;
}

std::shared_ptr<const MemoryFile> find_in_memory(std::string_view name) {
  if (!name.starts_with(kMemoryPrefix) && name != kStandardInput) return nullptr;
  MemoryFiles& known = memory_files();
  const std::lock_guard lock(known.mutex);
  const auto found = known.files.find(name);
  return found == known.files.end() ? nullptr : found->second.lock();
}

}  // namespace sparsesim::config
