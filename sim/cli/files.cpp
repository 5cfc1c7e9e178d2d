// Where shipped files are found, and how results are written.

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "sim/cli/commands.h"
#include "sim/config/node.h"

namespace sparsesim::cli {

namespace fs = std::filesystem;

SearchPath shipped(const std::string& kind) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  SearchPath search;
  for (const fs::path& base : {program.parent_path().parent_path() / "share/sparsesim", fs::path(SPARSESIM_SOURCE_DIR),
                               fs::path(SPARSESIM_DATA_DIR)})
    if (fs::is_directory(base / kind, error)) search.folders.push_back((base / kind).string());
  if (search.folders.size() > 1) search.folders.resize(1);  // one set of files, never a mixture of two
  return search;
}

void write_file(const std::string& path, const std::string& content) {
  const auto fail = [&](int code) {
    throw config::ConfigError(
        config::Mistake{{path, 0, 0}, fmt::format("cannot write: {}", std::strerror(code)), "", ""});
  };
  std::error_code error;
  if (fs::is_directory(path, error)) fail(EISDIR);
  if (fs::exists(path, error) && !fs::is_regular_file(path, error)) {  // a pipe or /dev/stdout: nothing to rename
    std::ofstream out(path, std::ios::binary);
    out << content << std::flush;
    if (!out) fail(errno);
    return;
  }
  const std::string temporary = fmt::format("{}.tmp{}", path, ::getpid());
  std::ofstream out(temporary, std::ios::binary);
  out << content << std::flush;
  const int code = errno;
  const bool good = out.good();
  out.close();
  if (good) fs::rename(temporary, path, error);
  if (!good || error) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    fail(good ? error.value() : code);
  }
}

}  // namespace sparsesim::cli
