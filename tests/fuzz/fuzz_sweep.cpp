// Any text is either a sweep, whose points can be asked for at any place, or a ConfigError.

#include "sim/sweep/design.h"
#include "tests/fuzz/memory_file.h"

using namespace sparsesim;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static MemoryFile file;
  file.replace(data, size);
  try {
    const auto design = sweep::Design::read({file.path(), "", "", {}, {}});
    for (const std::int64_t position : {std::int64_t{0}, design.size() / 2, design.size() - 1})
      if (const auto setting = design.setting(position); setting && setting->size() != design.parameters().size())
        std::abort();
    design.fingerprint();
  } catch (const config::ConfigError&) {
  }
  return 0;
}
