#pragma once
// Files of bytes for the tests of readers.

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace sparsesim {

/// A file that is gone when the test is.
class TemporaryFile {
 public:
  TemporaryFile(const std::string& name, const std::string& bytes)
      : path_(std::filesystem::temp_directory_path() / ("sparsesim-" + std::to_string(::getpid()) + "-" + name)) {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

/// The lowest `bytes` bytes of a number, lowest first.
inline std::string number(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i, value >>= 8) out += static_cast<char>(value & 0xFF);
  return out;
}

/// An .npy file with this text as its header.
inline std::string npy_with_header(const std::string& header, const std::string& elements, char version = 1) {
  return std::string("\x93NUMPY") + version + std::string(1, '\0') + number(header.size(), version == 1 ? 2 : 4) +
         header + elements;
}

/// An .npy file of one array: type "<f4", shape "(2, 3)", and its elements as bytes.
inline std::string npy(const std::string& type, const std::string& shape, const std::string& elements,
                       bool fortran_order = false, char version = 1) {
  return npy_with_header("{'descr': '" + type + "', 'fortran_order': " + (fortran_order ? "True" : "False") +
                             ", 'shape': " + shape + ", }\n",
                         elements, version);
}

/// A safetensors file with this JSON as its header.
inline std::string safetensors(const std::string& header, const std::string& data) {
  return number(header.size(), 8) + header + data;
}

/// A zip archive of NAME.npy members, stored by `method` (0: as they are).
inline std::string npz(const std::vector<std::pair<std::string, std::string>>& members, int method = 0) {
  std::string files, list;
  for (const auto& [name, bytes] : members) {
    const std::string path = name + ".npy";
    const std::string common = number(0, 2) + number(static_cast<std::uint64_t>(method), 2) + number(0, 8) +
                               number(bytes.size(), 4) + number(bytes.size(), 4) + number(path.size(), 2) +
                               number(0, 2);
    list += "PK\x01\x02" + number(20, 2) + number(20, 2) + common + number(0, 10) + number(files.size(), 4) + path;
    files += "PK\x03\x04" + number(20, 2) + common + path + bytes;
  }
  const std::string count = number(members.size(), 2);
  return files + list + "PK\x05\x06" + number(0, 4) + count + count + number(list.size(), 4) + number(files.size(), 4) +
         number(0, 2);
}

}  // namespace sparsesim
