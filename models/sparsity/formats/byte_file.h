#pragma once
// A binary file that is read in pieces: only what is asked for takes memory.

#include <cstdint>
#include <string>

namespace sparsesim {

/// An open regular file. Errors of all members: config::ConfigError naming the file.
class ByteFile {
 public:
  /// Errors: no such file, a directory, a device, no permission.
  explicit ByteFile(const std::string& path);
  ByteFile(const ByteFile&) = delete;
  ByteFile& operator=(const ByteFile&) = delete;
  ~ByteFile();

  const std::string& path() const { return path_; }
  std::int64_t size() const { return size_; }
  /// Copies the bytes [offset, offset + count) to `bytes`. Errors: the file ends before.
  void read(std::int64_t offset, char* bytes, std::int64_t count) const;
  std::string read(std::int64_t offset, std::int64_t count) const;
  /// An unsigned number of 1 to 8 bytes, lowest byte first; at most 2^63 - 1, or it is refused.
  std::int64_t read_number(std::int64_t offset, int bytes) const;
  /// Throws "PATH: error: byte OFFSET: MESSAGE".
  [[noreturn]] void refuse(std::int64_t offset, const std::string& message, const std::string& hint = {}) const;

 private:
  std::string path_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
};

}  // namespace sparsesim
