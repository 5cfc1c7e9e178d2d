// Any bytes are an array whose non-zeros are a mask and whose integers fill its shape, or one mistake.

#include "models/sparsity/formats/npy.h"
#include "tests/fuzz/check_mask.h"

using namespace sparsesim;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_mask_bytes(
      [](const std::string& path) {
        const ByteFile file(path);
        return mask_of_array(file, read_npy_header(file), MatrixView::last_is_columns);
      },
      data, size);
  check_mask_bytes(
      [](const std::string& path) {
        const IntegerArray array = read_npy_integers(path, 1 << 20);
        if (element_count(array.shape, 8) != static_cast<std::int64_t>(array.values.size())) std::abort();
        return Mask{};
      },
      data, size);
  return 0;
}
