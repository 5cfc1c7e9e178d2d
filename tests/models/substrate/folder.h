#pragma once
// A folder of substrate files for one test, removed with it.

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "models/substrate/substrate.h"

namespace sparsesim {

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / unique_name()) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;

  /// Writes a file below the folder and returns its path.
  std::string write(const std::string& name, const std::string& text) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return file.string();
  }
  SearchPath search() const { return {{path_.string(), SPARSESIM_SOURCE_DIR "/substrates"}}; }
  std::string path() const { return path_.string(); }

 private:
  static std::string unique_name() {
    static int count = 0;
    return "sparsesim_substrates_" + std::to_string(getpid()) + "_" + std::to_string(count++);
  }
  std::filesystem::path path_;
};

}  // namespace sparsesim
