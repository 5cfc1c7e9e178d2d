// Any text is either a substrate or a ConfigError; a substrate can be written, and read back.

#include "models/substrate/substrate.h"
#include "tests/fuzz/memory_file.h"

using namespace sparsesim;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static MemoryFile file;
  static const SearchPath search{{SPARSESIM_SOURCE_DIR "/substrates"}};
  file.replace(data, size);
  std::string dumped;
  try {
    dumped = dump_substrate(load_substrate(file.path(), search));
  } catch (const config::ConfigError&) {
    return 0;
  }
  file.replace(reinterpret_cast<const std::uint8_t*>(dumped.data()), dumped.size());
  if (dump_substrate(load_substrate(file.path(), search)) != dumped) std::abort();  // a ConfigError here is a crash too
  return 0;
}
