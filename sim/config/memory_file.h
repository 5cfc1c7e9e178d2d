#pragma once
// Files that are in memory: what a program that hosts the simulator has, under a name that stands for a path.

#include <memory>
#include <string>
#include <string_view>

namespace sparsesim::config {

/// What such a name stands for: a text, or what a reader elsewhere understands.
class MemoryFile {
 public:
  virtual ~MemoryFile() = default;
};

/// The text of a YAML file.
class MemoryText : public MemoryFile {
 public:
  explicit MemoryText(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Begins every such name, so that paths are told apart at once; but for what came by standard input.
inline constexpr std::string_view kMemoryPrefix = "memory:";
inline constexpr std::string_view kStandardInput = "<stdin>";

/// Makes the file known by one of those names until the last holder lets go. Names follow from
/// contents, so that equal names mean equal files: of several the first stays. Any threads may hold and ask at the same
/// time. Like the files of a disk these are seen by the whole process: a name is all that a reader gets.
std::shared_ptr<const MemoryFile> hold_in_memory(const std::string& name, std::shared_ptr<const MemoryFile> file);

/// The file of that name; null where nobody holds one.
std::shared_ptr<const MemoryFile> find_in_memory(std::string_view name);

}  // namespace sparsesim::config
