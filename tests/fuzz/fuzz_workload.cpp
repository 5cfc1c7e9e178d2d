// Any text is either a workload or a ConfigError.

#include "models/evaluate/workload.h"
#include "tests/fuzz/memory_file.h"

using namespace sparsesim;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static MemoryFile file;
  static const SearchPath search{{SPARSESIM_SOURCE_DIR "/workloads"}};
  file.replace(data, size);
  try {
    load_workload(file.path(), search);
  } catch (const config::ConfigError&) {
  }
  return 0;
}
