// From a path to a tree.

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "sim/config/document.h"
#include "sim/config/memory_file.h"
#include "sim/config/text_check.h"

namespace sparsesim::config {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& path, const std::string& message, const std::string& hint,
                         Diagnostics& diagnostics) {
  diagnostics.add({path, 0, 0}, message, hint);
  diagnostics.throw_if_any();
  throw ConfigError(Mistake{{path, 0, 0}, message, hint, {}});
}

using Source = std::shared_ptr<const std::string>;

Source without_byte_order_mark(std::string text) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (text.starts_with(mark)) text.erase(0, mark.size());
  return std::make_shared<const std::string>(std::move(text));
}

Node load_source(const Source& source, const std::string& name, Diagnostics& diagnostics, const Limits& limits) {
  const auto problem = check_text(*source, limits);
  if (!problem || problem->is_text) diagnostics.remember_source(name, source);
  if (problem) {
    diagnostics.add({name, problem->line, problem->column}, problem->message, problem->hint);
    diagnostics.throw_if_any();
  }
  auto document = std::make_shared<Document>();
  document->file = name;
  return parse_document(*source, std::move(document), diagnostics, limits);
}

}  // namespace

std::string read_text_file(const std::string& path, std::int64_t bytes_max, Diagnostics& diagnostics) {
  if (const auto held = std::dynamic_pointer_cast<const MemoryText>(find_in_memory(path))) return held->text();
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (path.empty() || path.find('\0') != std::string::npos || status.type() == fs::file_type::not_found) {
    refuse(path, "no such file", "", diagnostics);
  }
  if (error) refuse(path, "cannot be read: " + error.message(), "", diagnostics);
  if (fs::is_directory(status)) refuse(path, "is a directory, not a file", "", diagnostics);
  if (!fs::is_regular_file(status)) refuse(path, "is not a regular file", "", diagnostics);
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) refuse(path, fmt::format("cannot be read: {}", std::strerror(errno)), "", diagnostics);
  constexpr std::size_t kBlock = 16 << 10;  // most files fit
  std::string text;
  while (stream) {
    const std::size_t before = text.size();
    text.resize(before + kBlock);
    stream.read(text.data() + before, kBlock);
    text.resize(before + static_cast<std::size_t>(stream.gcount()));
    if (static_cast<std::int64_t>(text.size()) > bytes_max) {
      refuse(path, fmt::format("larger than {} bytes", bytes_max), "is this the right file?", diagnostics);
    }
  }
  if (stream.bad()) refuse(path, "cannot be read to its end", "", diagnostics);
  return text;
}

Node load_file(const std::string& path, Diagnostics& diagnostics, const Limits& limits) {
  return load_text(read_text_file(path, limits.file_bytes, diagnostics), path, diagnostics, limits);
}

Node load_text(std::string text, const std::string& name, Diagnostics& diagnostics, const Limits& limits) {
  return load_source(without_byte_order_mark(std::move(text)), name, diagnostics, limits);
}

}  // namespace sparsesim::config
