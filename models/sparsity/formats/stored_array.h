#pragma once
// Arrays as they lie in binary files (.npy, .npz, safetensors): type, shape and place; values are read on demand.

#include <cstdint>
#include <string_view>
#include <vector>

#include "models/sparsity/formats/byte_file.h"

namespace sparsesim {

enum class ElementKind { boolean, signed_integer, unsigned_integer, floating };

/// Type of one element. Floating types need no further detail: only their zeros are told from the rest.
struct ElementType {
  ElementKind kind = ElementKind::floating;
  int bytes = 4;  // 1, 2, 4 or 8
  bool big_endian = false;

  bool is_integer() const { return kind != ElementKind::floating; }
};

/// An array in a file.
struct StoredArray {
  ElementType type;
  std::vector<std::int64_t> shape;
  bool fortran_order = false;  // the first dimension varies fastest; else the last one does
  std::int64_t offset = 0;     // of the first element, in bytes from the start of the file

  std::int64_t count() const;
};

/// The number of elements of a shape, or -1 where their bytes are beyond 2^62 or a size is negative.
std::int64_t element_count(const std::vector<std::int64_t>& shape, int bytes);

/// Appends `first + i` for each element i of `count` at `bytes` that is not zero. -0 is zero, not-a-number is not.
void append_nonzero(const ElementType& type, const char* bytes, std::int64_t count, std::int32_t first,
                    std::vector<std::int32_t>& places);

/// Values of an array, the last dimension varying fastest whatever the order in the file.
struct IntegerArray {
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> values;
};

/// Reads an array of integers or booleans. Errors: config::ConfigError for floating types, more than `most` elements
/// and numbers beyond 2^63 - 1.
IntegerArray read_integers(const ByteFile& file, const StoredArray& array, std::int64_t most);

}  // namespace sparsesim
