#pragma once
// NumPy's .npy files: a header in text, then the elements of one array.

#include <string>

#include "models/sparsity/formats/stored_array.h"

namespace sparsesim {

/// Reads the header of an array that fills the bytes [begin, end) of a file: format versions 1 to 3, both orders;
/// booleans, integers and floating point of 1 to 8 bytes, either byte order.
/// Source: numpy.lib.format. Errors: config::ConfigError with the byte offset for another file, a header that is no
/// dictionary of descr, fortran_order and shape, other types, and sizes that the file does not hold exactly.
StoredArray read_npy_header(const ByteFile& file, std::int64_t begin, std::int64_t end);
/// The same for a file that is one array.
StoredArray read_npy_header(const ByteFile& file);

/// All values of an .npy file of integers: `const auto ids = read_npy_integers("routes.npy", 1 << 26);`
/// Errors: as read_npy_header() and read_integers().
IntegerArray read_npy_integers(const std::string& path, std::int64_t most);

}  // namespace sparsesim
