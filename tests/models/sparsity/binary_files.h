#pragma once
// Files of bytes for the tests of readers.

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

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
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
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

}  // namespace sparsesim
