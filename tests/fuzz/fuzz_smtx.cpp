// Any text is a mask whose rows fit its columns, or mistakes with a place.

#include <string_view>

#include "models/sparsity/formats/mask_formats.h"
#include "tests/fuzz/check_mask.h"

using namespace sparsesim;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_mask_text(read_smtx, text);
  return 0;
}
