// What a workload may say of a sparse product, and what its masks then are.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "models/ops/products/spgemm.h"
#include "sim/config/node.h"

namespace sparsesim {
namespace {

struct ReadProduct {
  std::unique_ptr<Op> op;
  std::string mistake;  // the first one
};
ReadProduct read_product(const std::string& text, const std::string& file = "w.yaml") {
  config::Diagnostics diagnostics;
  config::MapReader map(config::load_text(text, file, diagnostics), diagnostics);
  ReadProduct read{read_spgemm(map), {}};
  map.finish();
  if (!diagnostics.mistakes().empty()) read.mistake = diagnostics.mistakes().front().message;
  return read;
}

const SpgemmSize& size_of(const ReadProduct& read) { return dynamic_cast<const Spgemm&>(*read.op).size(); }

}  // namespace

TEST_CASE("a product of two drawn masks: the second is as sparse as the first unless it says so") {
  const auto one = read_product("{m: 20, n: 30, k: 40, sparsity: 0.9}");
  REQUIRE(one.mistake.empty());
  CHECK(size_of(one).b_sparsity == 0.9);
  CHECK(size_of(read_product("{m: 20, n: 30, k: 40, sparsity: 0.9, b_sparsity: 0.5}")).b_sparsity == 0.5);
  const SpgemmOperands operands(size_of(one), 1);
  CHECK(operands.a().stored() == 80);
  CHECK(operands.b().stored() == 120);
  CHECK(operands.b_columns().rows == 30);
}

TEST_CASE("a squared matrix is one mask, has a square shape, and no second operand") {
  const auto squared = read_product("{m: 40, n: 40, k: 40, sparsity: 0.9, squared: true}");
  REQUIRE(squared.mistake.empty());
  const SpgemmOperands operands(size_of(squared), 1);
  CHECK(&operands.a() == &operands.b());
  CHECK(read_product("{m: 40, n: 40, k: 41, sparsity: 0.9, squared: true}").mistake == "a squared matrix is square");
  CHECK(read_product("{m: 40, n: 40, k: 40, sparsity: 0.9, squared: true, b_sparsity: 0.9}").mistake ==
        "unknown key \"b_sparsity\" in the file");
}

TEST_CASE("each law takes its own parameters; shares of R-MAT are at most one in all") {
  CHECK(read_product("{m: 9, n: 9, k: 9, sparsity: 0.5, law: rmat, corner: 0.4, beside: 0.3, below: 0.3}")
            .mistake.empty());
  CHECK(read_product("{m: 9, n: 9, k: 9, sparsity: 0.5, law: rmat, corner: 0.7}").mistake ==
        "corner, beside and below are more than 1");
  CHECK(read_product("{m: 9, n: 9, k: 9, sparsity: 0.5, law: banded, corner: 0.4}").mistake ==
        "unknown key \"corner\" in the file");
  CHECK(read_product("{m: 4000000, n: 9, k: 4000000, sparsity: 0.5}").mistake.find("too many to draw") !=
        std::string::npos);
}

TEST_CASE("masks of files have the sizes of their operands; beside one, B is given, too") {
  const auto folder = std::filesystem::temp_directory_path() / "sparsesim-spgemm-read";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "a.mtx") << "%%MatrixMarket matrix coordinate pattern general\n3 4 3\n1 1\n2 4\n3 2\n";
  const std::string file = (folder / "w.yaml").string();
  const auto read = read_product("{m: 3, n: 5, k: 4, mask: a.mtx, b_sparsity: 0.5}", file);
  REQUIRE(read.mistake.empty());
  const SpgemmOperands operands(size_of(read), 1);
  CHECK(operands.a().indices == std::vector<std::int32_t>{0, 3, 1});
  CHECK(operands.b().stored() == 10);
  CHECK(read_product("{m: 3, n: 5, k: 3, mask: a.mtx, b_sparsity: 0.5}", file).mistake ==
        "a.mtx is 3 x 4; the operand is 3 x 3");
  CHECK(read_product("{m: 3, n: 5, k: 4, mask: a.mtx}", file).mistake == "missing key \"b_sparsity\" in the file");
  CHECK_FALSE(read_product("{m: 3, n: 5, k: 4, mask: none.mtx, b_sparsity: 0.5}", file).mistake.empty());
  std::filesystem::remove_all(folder);
}

TEST_CASE("a measured row names a product by its sizes and the sparsity of both operands") {
  MeasuredOp row;
  row.op = "spgemm";
  row.m = row.n = row.k = 64;
  row.dtype = "fp32";
  row.sparsity = 0.75;
  row.params = {{"squared", "true"}};
  const auto op = spgemm_from_row(row);
  CHECK(dynamic_cast<const Spgemm&>(*op).size().a_sparsity == 0.75);
  row.sparsity.reset();
  CHECK_THROWS_AS(spgemm_from_row(row), UnsupportedError);
}

}  // namespace sparsesim
