#include "models/sparsity/formats/byte_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "sim/config/node.h"

namespace sparsesim {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& message, const std::string& hint = {}) {
  throw config::ConfigError(config::Mistake{{path, 0, 0}, message, hint, {}});
}

}  // namespace

ByteFile::ByteFile(const std::string& path) : path_(path) {
  if (path.empty() || path.find('\0') != std::string::npos) fail(path, "no such file");
  // O_NONBLOCK: opening a pipe must not wait for its writer; regular files do not mind.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor_ < 0) {
    if (errno == ENOENT) fail(path, "no such file");
    fail(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  }
  struct stat status {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (known && S_ISREG(status.st_mode)) {
    size_ = status.st_size;
    return;
  }
  ::close(descriptor_);
  fail(path, known && S_ISDIR(status.st_mode) ? "is a directory, not a file" : "is not a regular file");
}

ByteFile::~ByteFile() { ::close(descriptor_); }

void ByteFile::read(std::int64_t offset, char* bytes, std::int64_t count) const {
  if (offset < 0 || count < 0 || offset > size_ || count > size_ - offset)
    refuse(size_, fmt::format("the file ends here; {} bytes from byte {} on are missing", count, offset));
  while (count > 0) {
    const ssize_t got = ::pread(descriptor_, bytes, static_cast<std::size_t>(count), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path_, fmt::format("cannot be read: {}", std::strerror(errno)));
    if (got == 0) refuse(offset, "the file became shorter while it was read");
    bytes += got;
    offset += got;
    count -= got;
  }
}

std::string ByteFile::read(std::int64_t offset, std::int64_t count) const {
  if (offset < 0 || count < 0 || offset > size_ || count > size_ - offset) read(offset, nullptr, count);  // refuses
  std::string bytes(static_cast<std::size_t>(count), '\0');
  read(offset, bytes.data(), count);
  return bytes;
}

std::int64_t ByteFile::read_number(std::int64_t offset, int bytes) const {
  const std::string text = read(offset, bytes);
  std::uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i)
    value = value << 8 | static_cast<unsigned char>(text[static_cast<std::size_t>(i)]);
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    refuse(offset, fmt::format("the number {} is too large", value));
  return static_cast<std::int64_t>(value);
}

void ByteFile::refuse(std::int64_t offset, const std::string& message, const std::string& hint) const {
  fail(path_, fmt::format("byte {}: {}", offset, message), hint);
}

}  // namespace sparsesim
