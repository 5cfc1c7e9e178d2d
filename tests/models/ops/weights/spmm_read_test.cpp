// What a workload may say of a sparse product, and what is refused with its place.
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "models/ops/limits.h"
#include "models/ops/weights/spmm.h"
#include "sim/config/node.h"
#include "tests/support/machines.h"

namespace sparsesim {
namespace {

/// The product read from the keys, or the first mistake.
struct Read {
  explicit Read(const std::string& keys) {
    config::Diagnostics diagnostics;
    config::MapReader map(config::load_text("{m: 64, n: 1024, k: 4096, " + keys + "}", "w.yaml", diagnostics),
                          diagnostics);
    op = read_spmm(map);
    map.finish();
    try {
      diagnostics.throw_if_any();
    } catch (const config::ConfigError& error) {
      mistake = error.what();
    }
  }
  const SpmmSize& size() const { return dynamic_cast<const Spmm&>(*op).size(); }
  bool says(const std::string& part) const { return mistake.find(part) != std::string::npos; }
  std::unique_ptr<Op> op;
  std::string mistake;
};

}  // namespace

TEST_CASE("every pattern reads with its own keys, every N:M without any") {
  for (const char* keys :
       {"pattern: unstructured, sparsity: 0.9", "pattern: 2:4", "pattern: 1:4", "pattern: 14:16",
        "pattern: vnm, columns: 8", "pattern: vector, block: [8, 1], sparsity: 0.5",
        "pattern: block, block: [32, 16], sparsity: 0.5, format: blocked_ell, quality: library, index_bits: 16"}) {
    CAPTURE(keys);
    const Read read(keys);
    CHECK(read.mistake.empty());
  }
  CHECK(Read("pattern: 6:8").size().sparsity == 0.25);
  CHECK(Read("pattern: 6:8").size().pattern == "6:8");
}

TEST_CASE("defaults leave format, kernel and quality to the library") {
  const Read read("pattern: unstructured, sparsity: 0.9");
  CHECK(read.size().format.empty());
  CHECK(read.size().quality.empty());
  CHECK(read.size().setup == "none");
  CHECK_FALSE(read.size().transposed);
}

TEST_CASE("mistakes are named") {
  CHECK(Read("pattern: 4:2").says("pattern cannot be \"4:2\""));
  CHECK(Read("pattern: n:m").says("pattern cannot be \"n:m\""));
  CHECK(Read("pattern: blok, sparsity: 0.5").says("did you mean \"block\""));
  CHECK(Read("pattern: unstructured, sparsity: 0.5, format: bsr").says("known: any, csr, csc, coo, bitmap, tiled"));
  CHECK(Read("pattern: unstructured, sparsity: 0.5, quality: good").says("quality cannot be"));
  CHECK(Read("pattern: 2:4, setup: sometimes").says("setup cannot be"));
  CHECK(Read("pattern: unstructured, sparsity: 0.5, index_bits: 12").says("index_bits is 8, 16 or 32"));
  CHECK(Read("pattern: unstructured").says("missing key \"sparsity\""));
  CHECK(Read("pattern: 2:4, sparsity: 0.5").says("unknown key \"sparsity\""));
  CHECK(Read("pattern: unstructured, sparsity: 0.5, v: 2").says("unknown key \"v\""));
  CHECK(Read("pattern: block, block: [48, 48], sparsity: 0.5").says("do not divide weights"));
  CHECK(Read("pattern: [2, 4], sparsity: 0.5").says("pattern"));
}

TEST_CASE("16 bits count 65536 columns of units and no more") {
  config::Diagnostics diagnostics;
  for (const auto& [k, fits] : {std::pair{"65536", true}, {"65537", false}}) {
    config::MapReader map(config::load_text(std::string("{m: 1, n: 64, pattern: unstructured, sparsity: 0.5, ") +
                                                "index_bits: 16, k: " + k + "}",
                                            "w.yaml", diagnostics),
                          diagnostics);
    CHECK((read_spmm(map) != nullptr) == fits);
  }
}

TEST_CASE("block and mask are those of the stored weights: the transpose turns them") {
  const Read read("pattern: block, block: [32, 16], sparsity: 0.5, transposed: true");
  CHECK(read.size().block_k == 32);  // stored rows are inputs of this product
  CHECK(read.size().block_n == 16);
}

TEST_CASE("an empty map declares the keys of every pattern, so that the schema knows them") {
  config::Diagnostics diagnostics;
  config::MapReader map(config::load_text("{}", "schema", diagnostics), diagnostics);
  read_spmm(map);
  std::string keys;
  for (const auto& declared : map.declared()) keys += declared.key + (declared.required ? "! " : " ");
  for (const char* key :
       {"m! ", "n! ", "k! ", "pattern! ", "block ", "v ", "columns ", "sparsity ", "mask ", "format "})
    CHECK_MESSAGE(keys.find(key) != std::string::npos, key);
}

TEST_CASE("a measured row names its format; an unknown one is no row of ours") {
  MeasuredOp row;
  row.op = "spmm";
  row.m = row.n = row.k = 1024;
  row.dtype = "fp16";
  row.pattern = "unstructured";
  row.sparsity = 0.9;
  row.params["format"] = "coo";
  row.kernel = "library:cusparse";
  CHECK(dynamic_cast<const Spmm&>(*spmm_from_row(row)).size().format == "coo");
  row.params["format"] = "dia";
  CHECK_THROWS_WITH_AS(spmm_from_row(row),
                       "no model for unstructured weights in format dia (known: csr, csc, coo, bitmap, tiled)",
                       UnsupportedError);
  row.params.clear();
  row.pattern = "1:4";
  row.sparsity.reset();
  CHECK(dynamic_cast<const Spmm&>(*spmm_from_row(row)).size().sparsity == 0.75);
}

TEST_CASE("more tasks than memory holds are refused as such, whichever kernel says so") {
  SpmmSize size;
  size.m = 1 << 20;
  size.n = size.k = 1 << 20;
  size.pattern = "unstructured";
  size.format = "csr";
  size.sparsity = 0.999;
  const Substrate a100 = load_substrate("a100-sxm4-80gb", shipped_substrates());
  CHECK_THROWS_AS(Spmm(size).lower({a100, {}, 1}), TooLargeError);
}

TEST_CASE("a measured kernel that the library lacks is stood in for by one of its quality") {
  const Substrate machine = load_substrate("a100-sxm4-80gb", shipped_substrates());
  MeasuredOp row;
  row.op = "spmm";
  row.m = row.n = row.k = 1024;
  row.dtype = "fp16";
  row.pattern = "unstructured";
  row.sparsity = 0.9;
  const auto kernel_of = [&](const char* measured) {
    row.kernel = measured;
    const std::string name = spmm_from_row(row)->lower({machine, {}, 1}).stages.front().launch->kernel;
    for (const Kernel& kernel : machine.kernels)
      if (kernel.name == name) return kernel;
    throw std::logic_error(name);
  };
  CHECK(kernel_of("tuned:sputnik").name == "sputnik");
  for (const char* quality : {"naive", "library", "tuned"})
    CHECK(kernel_of((std::string(quality) + ":of-another-house").c_str()).quality == quality);
}

}  // namespace sparsesim
