// Any file is either a results file, all of which can be exported and merged, or a StoreError.

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sim/sweep/export.h"
#include "sim/sweep/store.h"

using namespace sparsesim::sweep;

namespace {

/// SQLite wants a file with a name, and another one beside it.
struct Folder {
  Folder() : path(std::filesystem::temp_directory_path() / ("fuzz_results." + std::to_string(getpid()))) {
    std::filesystem::create_directory(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  const std::string given = folder.path / "given.sqlite", all = folder.path / "all.sqlite";
  std::ofstream(given, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    Store store(given, Store::Mode::read);
    for (const auto table : {ExportTable::points, ExportTable::ops})
      for (const auto format : {ExportFormat::csv, ExportFormat::jsonl})
        export_rows(store, table, format, [](const std::string&) {});
    std::filesystem::remove(all);
    Store(all, Store::Mode::write).merge(store);
  } catch (const StoreError&) {
  }
  return 0;
}
