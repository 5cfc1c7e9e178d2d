#include "models/sparsity/formats/npy.h"

#include <doctest/doctest.h>

#include "sim/config/node.h"
#include "tests/models/sparsity/binary_files.h"

namespace sparsesim {
namespace {

std::string refusal(const std::string& bytes) {
  const TemporaryFile file("a.npy", bytes);
  try {
    read_npy_integers(file.path(), 100);
  } catch (const config::ConfigError& error) {
    return error.brief();
  }
  return "read";
}

}  // namespace

TEST_CASE("npy: integers of every width and byte order, in both orders of dimensions") {
  const std::string two_by_three = std::string("\x01\x02\x03\x04\x05\x06", 6);
  const TemporaryFile rows("rows.npy", npy("|u1", "(2, 3)", two_by_three));
  const IntegerArray by_rows = read_npy_integers(rows.path(), 6);
  CHECK(by_rows.shape == std::vector<std::int64_t>{2, 3});
  CHECK(by_rows.values == std::vector<std::int64_t>{1, 2, 3, 4, 5, 6});
  const TemporaryFile columns("columns.npy", npy("|u1", "(2, 3)", two_by_three, true));
  CHECK(read_npy_integers(columns.path(), 6).values == std::vector<std::int64_t>{1, 3, 5, 2, 4, 6});

  const TemporaryFile little("l.npy", npy("<i2", "(2,)", std::string("\xFE\xFF\x00\x01", 4)));
  CHECK(read_npy_integers(little.path(), 2).values == std::vector<std::int64_t>{-2, 256});
  const TemporaryFile big("b.npy", npy(">i4", "(1, 1)", std::string("\xFF\xFF\xFF\xFE", 4)));
  CHECK(read_npy_integers(big.path(), 2).values == std::vector<std::int64_t>{-2});
  const TemporaryFile wide("w.npy", npy("<i8", "()", std::string("\x00\x00\x00\x00\x01\x00\x00\x00", 8)));
  CHECK(read_npy_integers(wide.path(), 2).values == std::vector<std::int64_t>{std::int64_t{1} << 32});
}

TEST_CASE("npy: versions 1 to 3 differ in the width of the header's length") {
  for (const char version : {'\1', '\2', '\3'}) {
    const TemporaryFile file("v.npy", npy("|b1", "(1, 2)", std::string("\x00\x01", 2), false, version));
    CHECK(read_npy_integers(file.path(), 2).values == std::vector<std::int64_t>{0, 1});
  }
  CHECK(refusal(npy("|b1", "(1,)", "x", false, 4)) == "byte 6: version 4; known are 1, 2 and 3");
}

TEST_CASE("npy: every mistake with its byte, sizes before memory") {
  const auto dictionary = [](const std::string& text) { return npy_with_header(text, "1234"); };
  CHECK(refusal("") == "byte 0: does not begin as an .npy file does (\\x93NUMPY)");
  CHECK(refusal("PK..............") == "byte 0: does not begin as an .npy file does (\\x93NUMPY)");
  CHECK(refusal(std::string("\x93NUMPY\x01\x00\xFF\xFF{}", 12)) ==
        "byte 8: a header of 65535 bytes; 2 follow, and at most 65536 are read");
  CHECK(refusal(npy("<c8", "(1,)", "12345678")) ==
        "byte 20: type \"<c8\" is not read (known: b1, i1 to i8, u1 to u8, f2, f4 and f8)");
  CHECK(refusal(npy("<i4", "(2,)", "1234")) == "byte 68: 2 elements of 4 bytes need 8 bytes, the file has 4");
  CHECK(refusal(npy("<i4", "(1,)", "12345")) == "byte 68: 1 elements of 4 bytes need 4 bytes, the file has 5");
  CHECK(refusal(npy("<i8", "(4294967296, 4294967296)", "")) == "byte 10: the shape is larger than any file");
  CHECK(refusal(npy("|u1", "(200,)", std::string(200, 'x'))) ==
        "byte 70: an array of 200 elements; at most 100 are read");
  CHECK(refusal(npy("<f4", "(1,)", "1234")) == "byte 68: integers are needed here, the array holds floating point");
  CHECK(refusal(npy("<u8", "(1,)", std::string(8, '\xFF'))) == "byte 68: a number beyond 2^63 - 1");
  CHECK(refusal(dictionary("{'descr': '<i4', 'fortran_order': 0, 'shape': (1,)}")) ==
        "byte 44: fortran_order is True or False");
  CHECK(refusal(dictionary("{'descr': '<i4', 'descr': '<i4'}")) == "byte 27: a key of the header is given twice");
  CHECK(refusal(dictionary("{'descr': [('a', '<i4')]}")) ==
        "byte 20: structured types are not read; save one field alone");
  CHECK(refusal(dictionary("{'shape': (-1,)}")) == "byte 21: expected a size of 0 or more in the shape");
  CHECK(refusal(dictionary("{'shape': (1,)}")) == "byte 10: the header lacks descr, fortran_order or shape");
  CHECK(refusal(dictionary("{'shapes': (1,)}")) ==
        "byte 11: unknown key \"shapes\" in the header (known: descr, fortran_order, shape)");
}

}  // namespace sparsesim
