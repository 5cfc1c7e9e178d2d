// Any bytes are a file whose arrays can be masks, each by its name, or one mistake.

#include "tests/fuzz/check_named_arrays.h"

using namespace sparsesim;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_named_arrays([](const ByteFile& file) { return read_npz_arrays(file); }, data, size);
  return 0;
}
