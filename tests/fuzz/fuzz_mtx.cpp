// Any text is a mask whose rows fit its columns, or mistakes with a place.

#include "tests/fuzz/check_mask.h"

using namespace sparsesim;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_mask_text(read_matrix_market, std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
