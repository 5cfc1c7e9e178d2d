// Where shipped files are found, and how results are written.

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ios>
#include <sstream>

#include "sim/cli/commands.h"
#include "sim/config/node.h"
#include "sim/page/page.h"

namespace sparsesim::cli {

namespace fs = std::filesystem;

/// Written through the stream that we print to: a shell may have put a file behind it, where a second opening would
/// begin anew.
constexpr std::string_view kStandardOutput = "/dev/stdout";

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

namespace {

[[noreturn]] void fail(const std::string& path, int code) {
  const std::string reason = fmt::format("cannot write: {}", std::strerror(code));
  if (code == ENOSPC || code == EDQUOT || code == EFBIG || code == EIO)
    throw NoRoomError(fmt::format("{}: {}", path, reason));
  throw config::ConfigError(config::Mistake{{path, 0, 0}, reason, "", ""});
}

/// The file itself where `path` is a link to it: a rename would replace the link.
std::string target_of(const std::string& path) {
  std::error_code error;
  const fs::path target = fs::canonical(path, error);
  return error ? path : target.string();
}

bool is_special(const std::string& path) {  // a pipe or /dev/stdout: nothing to rename
  std::error_code error;
  return fs::exists(path, error) && !fs::is_regular_file(path, error);
}

std::string temporary_name(const std::string& path) { return fmt::format("{}.tmp{}", path, ::getpid()); }

}  // namespace

void require_pages() {
  if (!has_pages())
    throw UsageError("a page needs Vega, which this build has not: install libjs-vega, configure and build again");
}

void check_writable(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) fail(path, EISDIR);
  if (path == kStandardOutput || is_special(path)) return;
  const std::string temporary = temporary_name(target_of(path));
  errno = 0;
  const bool good = std::ofstream(temporary, std::ios::binary).good();
  const int code = errno;
  fs::remove(temporary, error);
  if (!good) fail(path, code);
}

void check_page(const std::string& path) {
  require_pages();
  check_writable(path);
}

void write_file(const std::string& path, const std::string& content) {
  write_file(path, [&](std::ostream& out) { out << content; });
}

void write_file(const std::string& path, const std::function<void(std::ostream&)>& write) {
  if (path == kStandardOutput) {
    std::ostringstream text;
    write(text);
    fmt::print("{}", text.str());
    return;
  }
  std::error_code error;
  if (fs::is_directory(path, error)) fail(path, EISDIR);
  const bool special = is_special(path);
  const std::string target = target_of(path), written = special ? path : temporary_name(target);
  const auto give_up = [&] {
    std::error_code ignored;
    if (!special) fs::remove(written, ignored);
  };
  std::ofstream out;
  try {
    out.exceptions(std::ios::badbit | std::ios::failbit);
    out.open(written, std::ios::binary);
    write(out);
    out.close();
    if (!special) fs::rename(written, target);
  } catch (const fs::filesystem_error& failure) {
    give_up();
    fail(path, failure.code().value());
  } catch (const std::ios_base::failure&) {
    const int code = errno;  // std::ofstream says nothing more
    give_up();
    fail(path, code);
  } catch (...) {
    give_up();
    throw;
  }
}

}  // namespace sparsesim::cli
