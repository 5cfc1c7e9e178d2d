#include "models/sparsity/mask.h"

#include <doctest/doctest.h>

#include "models/sparsity/formats/mask_formats.h"
#include "models/sparsity/formats/named_arrays.h"
#include "models/sparsity/formats/npy.h"
#include "tests/models/sparsity/binary_files.h"
#include "tests/models/sparsity/drawn_mask.h"

namespace sparsesim {
namespace {

std::string refusal(const std::string& name, const std::string& bytes, const std::string& tensor = {}) {
  const TemporaryFile file(name, bytes);
  try {
    read_mask({file.path(), tensor});
  } catch (const config::ConfigError& error) {
    return error.brief();
  }
  return "read";
}

Mask read(const std::string& name, const std::string& bytes, const std::string& tensor = {}) {
  const TemporaryFile file(name, bytes);
  return read_mask({file.path(), tensor});
}

constexpr const char* kBlocks =
    R"({"kv_num_blocks": {"dtype": "I32", "shape": [1, 2], "data_offsets": [0, 8]},
        "kv_indices": {"dtype": "I32", "shape": [1, 2, 3], "data_offsets": [8, 32]}})";

std::string words(const std::vector<int>& values) {
  std::string out;
  for (const int value : values) out += number(static_cast<std::uint32_t>(value), 4);
  return out;
}

}  // namespace

TEST_CASE("places in any order become rows; a place given twice is one") {
  const std::vector<Place> places = {{2, 1}, {0, 3}, {2, 0}, {0, 1}, {2, 1}};
  CHECK(draw(mask_of_places(3, 4, places)) == ".#.#\n....\n##..\n");
}

TEST_CASE("transposing swaps places, and twice changes nothing") {
  const Mask mask = drawn("#..#\n.#..\n....\n");
  CHECK(draw(transpose(mask)) == "#..\n.#.\n...\n#..\n");
  CHECK(draw(transpose(transpose(mask))) == draw(mask));
}

TEST_CASE("a unit is stored if any of its places is; edges may be cut") {
  const Mask mask = drawn(
      "#....\n"
      ".#...\n"
      "....#\n");
  CHECK(draw(coarsen(mask, 2, 2)) == "#..\n..#\n");
  CHECK(draw(coarsen(mask, 1, 1)) == draw(mask));
  CHECK(draw(coarsen(mask, 3, 5)) == "#\n");
  CHECK(row_counts(coarsen(mask, 1, 2)).units == std::vector<std::int32_t>{1, 1, 1});
}

TEST_CASE("npy: what is not zero is stored, in both orders; -0 is zero and not-a-number is not") {
  const std::string bytes("\x01\x00\x00\x00\x00\x01", 6);  // elements 0 and 5
  CHECK(draw(read("a.npy", npy("|b1", "(2, 3)", bytes))) == "#..\n..#\n");
  CHECK(draw(read("a.npy", npy("|b1", "(2, 3)", bytes, true))) == "#..\n..#\n");
  CHECK(draw(read("a.npy", npy("|b1", "(3, 2)", bytes, true))) == "#.\n..\n.#\n");
  CHECK(draw(read("a.npy", npy("|b1", "(2, 1, 3)", bytes))) == "#..\n..#\n");
  CHECK(draw(read("a.npy", npy("|b1", "(6,)", bytes))) == "#....#\n");
  const std::string halves("\x00\x80\x00\x7E\x00\x00\x01\x00", 8);  // -0, not a number, 0, the smallest above 0
  CHECK(draw(read("a.npy", npy("<f2", "(1, 4)", halves))) == ".#.#\n");
  const std::string swapped("\x80\x00\x7E\x00\x00\x00\x00\x01", 8);
  CHECK(draw(read("a.npy", npy(">f2", "(1, 4)", swapped))) == ".#.#\n");
  CHECK(draw(read("a.npy", npy("<i2", "(1, 4)", halves))) == "##.#\n");
}

TEST_CASE("npy: rows longer and shorter than the pieces that are read") {
  const std::int64_t columns = 3'000'001;  // bytes of a row; pieces are 1 MiB
  std::string bytes(static_cast<std::size_t>(2 * columns), '\0');
  bytes[0] = bytes[static_cast<std::size_t>(columns) - 1] = bytes[static_cast<std::size_t>(columns)] = 1;
  const Mask mask = read("a.npy", npy("|u1", "(2, 3000001)", bytes));
  CHECK(mask.offsets == std::vector<std::int64_t>{0, 2, 3});
  CHECK(mask.indices == std::vector<std::int32_t>{0, 3'000'000, 0});
  const Mask tall = read("a.npy", npy("|u1", "(3000001, 2)", bytes));
  CHECK(tall.stored() == 3);
  CHECK(tall.row(0).size() == 1);
  CHECK(tall.row(1'500'000).size() == 2);
}

TEST_CASE("npy: arrays that are no mask") {
  CHECK(refusal("a.npy", npy("|b1", "(0, 3)", "")) == "byte 70: a matrix of 1 x 0 has no place");
  CHECK(refusal("a.npy", npy("|b1", "(1, 20000000)", std::string(20'000'000, '\0')))
            .ends_with("20000000 columns; at most 4194304 are read"));
  CHECK(refusal("a.npy", npy("|b1", "(1, 1, 2)", "xx", true)) ==
        "byte 72: more than two dimensions in Fortran order are not read");
  CHECK(refusal("a.npy", npy("|b1", "(1, 2)", "xx"), "t").starts_with("no tensor \"t\""));
}

TEST_CASE("safetensors: a tensor by name, or the only matrix") {
  const std::string two = R"({"__metadata__": {"format": "pt"},
    "w": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [4, 12]},
    "bias": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]}}    )";
  const std::string data = std::string("\x00\x80\x01\x00", 4) + std::string("\x00\x80\x80\x3F\x00\x00\x00\x3F", 8);
  CHECK(draw(read("m.safetensors", safetensors(two, data))) == ".#\n.#\n");
  CHECK(draw(read("m.safetensors", safetensors(two, data), "w")) == ".#\n.#\n");
  CHECK(draw(read("m.safetensors", safetensors(two, data), "bias")) == "..#.\n");
  CHECK(refusal("m.safetensors", safetensors(two, data), "bios") == "no tensor \"bios\"");
  CHECK(parse_mask_name("a/b.safetensors:c.d").path == "a/b.safetensors");
  CHECK(parse_mask_name("a/b.safetensors:c.d").tensor == "c.d");
  CHECK(parse_mask_name("a:b.npy").path == "a:b.npy");
  CHECK(parse_mask_name("a.safetensors").tensor.empty());
}

TEST_CASE("safetensors: a convolution is a matrix of outputs by inputs and taps") {
  const std::string header = R"({"c": {"dtype": "I8", "shape": [2, 1, 2, 2], "data_offsets": [0, 8]}})";
  CHECK(draw(read("m.safetensors", safetensors(header, std::string("\1\0\0\0\0\0\1\1", 8)))) == "#...\n..##\n");
}

TEST_CASE("safetensors: headers that lie are refused with their byte") {
  const auto with = [](const std::string& header, const std::string& data = "1234") {
    return refusal("m.safetensors", safetensors(header, data));
  };
  const auto entry = [&](const std::string& rest) { return with(R"({"w": {)" + rest + "}}"); };
  CHECK(refusal("m.safetensors", "1234") == "byte 4: the file ends here; 8 bytes from byte 0 on are missing");
  CHECK(refusal("m.safetensors", number(1000, 8) + "{}") ==
        "byte 0: a header of 1000 bytes; 2 follow, and at most 100000000 are read");
  CHECK(refusal("m.safetensors", std::string(8, '\xFF') + "{}") ==
        "byte 0: the number 18446744073709551615 is too large");
  CHECK(with(R"({"w": })") == "byte 14: the header is not valid JSON here");
  CHECK(with("[]") == "byte 8: the header is not a JSON object");
  CHECK(with(R"({"w": 3})") == "byte 9: tensor \"w\" has a value of the wrong kind at \"w\"");
  CHECK(entry(R"("dtype": "I32", "shape": [1])") == "byte 9: tensor \"w\" lacks dtype, shape or data_offsets");
  CHECK(entry(R"("dtype": "I32", "shape": [1], "data_offsets": [0, 4, 4])") ==
        "byte 9: tensor \"w\" needs two rising data_offsets");
  CHECK(entry(R"("dtype": "I32", "shape": [2], "data_offsets": [0, 8])") ==
        "byte 9: tensor \"w\" ends at 8 of 4 data bytes");
  CHECK(entry(R"("dtype": "I32", "shape": [-2], "data_offsets": [0, 4])") ==
        "byte 9: tensor \"w\" has a negative size");
  CHECK(entry(R"("dtype": "I16", "shape": [3], "data_offsets": [0, 4])") ==
        "byte 9: tensor \"w\" holds 4 bytes; its shape [3] of I16 needs 6");
  CHECK(entry(R"("dtype": "I16", "shape": [4294967296, 4294967296], "data_offsets": [0, 4])") ==
        "byte 9: tensor \"w\" holds 4 bytes; its shape [4294967296, 4294967296] of I16 needs more than any file");
  CHECK(entry(R"("dtype": "I16", "shape": [1], "data_offsets": [0, 2])") ==
        "byte 71: 2 bytes that belong to no tensor");
  CHECK(entry(R"("dtype": "F4", "shape": [2, 4], "data_offsets": [0, 4])") ==
        "byte 71: tensor \"w\" is of type F4, which is not read");
  CHECK(entry(R"("dtype": "I16", "dtype": "I16")") == "byte 9: tensor \"w\" has dtype twice");
  CHECK(entry(R"("type": "I16")") == "byte 9: tensor \"w\" has an unknown key \"type\"");
  CHECK(with(R"({"w": {"dtype": "U8", "shape": [3, 1], "data_offsets": [0, 3]},
                 "v": {"dtype": "U8", "shape": [2, 1], "data_offsets": [2, 4]}})") ==
        "byte 89: tensor \"v\" begins at 2, the tensor before it ends at 3");
  CHECK(with(R"({"w": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, "w": {}})") ==
        "byte 9: tensor \"w\" is there twice");
}

TEST_CASE("block indices of attention: the first counts of each row, in any order") {
  const std::string data = words({2, 1}) + words({2, 0, 1, 1, 7, 7});
  CHECK(draw(read("b.safetensors", safetensors(kBlocks, data))) == "#.#\n.#.\n");
  CHECK(refusal("b.safetensors", safetensors(kBlocks, words({4, 1, 0, 0, 0, 0, 0, 0})))
            .ends_with("row 0 counts 4 blocks, of 3"));
  CHECK(refusal("b.safetensors", safetensors(kBlocks, words({1, 1, 3, 0, 0, 0, 0, 0})))
            .ends_with("row 0 names block 3, of 3 (counted from 0)"));
  CHECK(refusal("b.safetensors", safetensors(kBlocks, words({2, 1, 1, 1, 0, 0, 0, 0})))
            .ends_with("row 0 names block 1 twice"));
}

TEST_CASE("npz: members are .npy files; whole blocks of attention join those that need a mask") {
  const std::string counts = npy("<i4", "(2,)", words({1, 0})), indices = npy("<i4", "(2, 2)", words({1, 0, 0, 0}));
  const std::string full_counts = npy("<i4", "(2,)", words({0, 2})),
                    full_indices = npy("<i4", "(2, 2)", words({0, 0, 1, 0}));
  const std::string archive = npz({{"kv_num_blocks", counts},
                                   {"kv_indices", indices},
                                   {"full_kv_num_blocks", full_counts},
                                   {"full_kv_indices", full_indices}});
  CHECK(draw(read("b.npz", archive)) == ".#\n##\n");
  CHECK(draw(read("b.npz", archive, "kv_indices")) == "#.\n..\n");
  CHECK(draw(read("m.npz", npz({{"w", npy("|b1", "(1, 2)", std::string("\0\1", 2))}}))) == ".#\n");
  CHECK(refusal("m.npz", npz({{"a", npy("|b1", "(1, 1)", "x")}, {"b", npy("|b1", "(1, 1)", "x")}})) ==
        "holds 2 matrices: which one?");
  CHECK(refusal("m.npz", npz({{"a", npy("|b1", "(1,)", "x")}})) == "holds no matrix");
  CHECK(refusal("m.npz", npz({})) == "holds no array");
  CHECK(refusal("m.npz", npz({{"w", "not an array"}})) == "byte 35: does not begin as an .npy file does (\\x93NUMPY)");
  CHECK(refusal("m.npz", npz({{"w", npy("|b1", "(1, 1)", "x")}}, 8)) == "byte 0: array \"w\" is compressed");
  CHECK(refusal("m.npz", "no zip") == "byte 0: is no zip archive");
}

TEST_CASE("mtx: coordinates, symmetric ones mirrored; arrays column by column") {
  CHECK(draw(read("m.mtx", "%%MatrixMarket matrix coordinate pattern general\n% a comment\n\n2 3 2\n2 1\n1 3\n")) ==
        "..#\n#..\n");
  CHECK(
      draw(read("m.mtx",
                "%%MatrixMarket matrix coordinate real symmetric\r\n3 3 3\r\n1 1 0.0\r\n3 1 -1e-400\r\n3 2 +2\r\n")) ==
      "#.#\n..#\n##.\n");
  CHECK(draw(read("m.mtx", "%%MatrixMarket MATRIX coordinate integer skew-symmetric\n2 2 1\n2 1 -3")) == ".#\n#.\n");
  CHECK(draw(read("m.mtx", "%%MatrixMarket matrix array real general\n2 2\n1.5\n0\n-0.0\n4\n")) == "#.\n.#\n");
  CHECK(draw(read("m.mtx", "%%MatrixMarket matrix array integer symmetric\n2 2\n0\n4\n0\n")) == ".#\n#.\n");
}

TEST_CASE("mtx: every mistake at its place, sizes before memory") {
  const std::string banner = "%%MatrixMarket matrix coordinate real general\n";
  CHECK(refusal("m.mtx", "").starts_with("line 1: the first word \"\" is not read"));
  CHECK(refusal("m.mtx", "%%MatrixMarket matrix coordinate complex general\n")
            .starts_with("line 1: field \"complex\" is not read"));
  CHECK(refusal("m.mtx", "%%MatrixMarket matrix array pattern general\n") ==
        "line 1: an array has values: its field is real or integer");
  CHECK(refusal("m.mtx", banner + "% only comments\n") == "line 3: the line ends before its number of rows");
  CHECK(refusal("m.mtx", banner + "2 2 100000000\n1 1 1\n") ==
        "line 2: 100000000 entries do not fit into the 6 bytes that follow");
  CHECK(refusal("m.mtx", banner + "20000000 2 1\n1 1 1\n") ==
        "line 2: number of rows 20000000 is not within 0..4194304");
  CHECK(refusal("m.mtx", banner + "2 2 2\n1 1 1\n") == "line 2: 2 entries do not fit into the 6 bytes that follow");
  CHECK(refusal("m.mtx", banner + "2 2 2\n1 1 1.000000\n") == "line 4: the file ends after 1 of 2 entries");
  CHECK(refusal("m.mtx", banner + "2 2 1\n0 1 1\n") == "line 3: row 0 is not within 1..2");
  CHECK(refusal("m.mtx", banner + "2 2 1\n1 3 1\n") == "line 3: column 3 is not within 1..2");
  CHECK(refusal("m.mtx", banner + "2 2 1\n1 1 x\n") == "line 3: expected a number (value)");
  CHECK(refusal("m.mtx", banner + "2 2 1\n1 1 1 1\n") == "line 3: more numbers than an entry has");
  CHECK(refusal("m.mtx", banner + "2 2 1\n1 1 1\n2 2 1\n") ==
        "line 4: more than the 1 entries that the size line says");
  CHECK(refusal("m.mtx", banner + "2 2 3\n1 1 1\n2 2 1\n1 1 2\n") == "line 5: place 1, 1 twice");
  CHECK(refusal("m.mtx", "%%MatrixMarket matrix coordinate real symmetric\n2 3 1\n1 1 1\n") ==
        "line 2: a symmetric matrix is square, not 2 x 3");
  CHECK(refusal("m.mtx", "%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n1 2 1\n") ==
        "line 3: place 1, 2 of a symmetric matrix: its lower triangle alone is listed");
  CHECK(refusal("m.mtx", "%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n1 1 1\n") ==
        "line 3: place 1, 1 of a skew-symmetric matrix: its diagonal is zero");
  CHECK(refusal("m.mat", "") == "no mask format has this extension");
}

TEST_CASE("a mask file holds weights, or the units themselves") {
  const TemporaryFile file("u.npy", npy("|b1", "(2, 4)", std::string("\1\0\0\0\0\1\1\1", 8)));
  CHECK(read_unit_counts(file.path(), 2, 4, 1, 1).units == std::vector<std::int32_t>{1, 3});
  CHECK(read_unit_counts(file.path(), 2, 4, 2, 2).units == std::vector<std::int32_t>{2});
  CHECK(read_unit_counts(file.path(), 16, 4, 8, 1).units == std::vector<std::int32_t>{1, 3});
  CHECK_THROWS_AS(read_unit_counts(file.path(), 4, 4, 1, 1), config::ConfigError);
}

}  // namespace sparsesim
