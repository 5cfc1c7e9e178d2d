// Dense and sparse products: gemm, spmm.

#include <array>
#include <charconv>
#include <utility>

#include "validate/measure/cuda/dense_product.h"
#include "validate/measure/cuda/families.h"
#include "validate/measure/cuda/sparse_products.h"

namespace sparsesim::measure {
namespace {

ProductSize size_of(const PlanRow& row) { return {row.m, row.n, row.k}; }

std::pair<std::int64_t, std::int64_t> weight_block(const PlanRow& row) {
  const std::string text = row.text("block", "");
  std::int64_t rows = 0, columns = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, rows);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != 'x')
    throw NotHere("a row of blocks says block=ROWSxCOLUMNS");
  const auto second = std::from_chars(first.ptr + 1, end, columns);
  if (second.ec != std::errc{} || second.ptr != end || rows < 1 || columns < 1)
    throw NotHere("a row of blocks says block=ROWSxCOLUMNS");
  return {rows, columns};
}

SparseProduct sparse_product(const PlanRow& row, SparseFormat format, std::uint64_t seed) {
  SparseProduct product{.size = size_of(row), .type = product_type(row.dtype), .format = format, .seed = seed};
  product.mask = {.rows = row.n, .columns = row.k, .sparsity = row.sparsity.value_or(0)};
  product.mask.equal_rows = format == SparseFormat::blocked_ell;
  if (format == SparseFormat::csr) return product;
  std::tie(product.mask.block_rows, product.mask.block_columns) = weight_block(row);
  if (product.mask.block_rows != product.mask.block_columns) throw NotHere("cuSPARSE's blocks are square");
  return product;
}

SparseFormat format_of(const PlanRow& row) {
  const std::string format = row.text("format", row.pattern == "block" ? "bsr" : "csr");
  if (row.pattern == "unstructured" && format == "csr") return SparseFormat::csr;
  if (row.pattern == "block" && format == "bsr") return SparseFormat::bsr;
  if (row.pattern == "block" && format == "blocked_ell") return SparseFormat::blocked_ell;
  throw NotHere("no kernel for " + row.pattern + " weights in format " + format);
}

void check_product_row(const PlanRow& row) {
  product_type(row.dtype);
  if (row.m < 1 || row.n < 1 || row.k < 1) throw NotHere("a product needs m, n and k");
  if (row.text("accumulate", "fp32") != "fp32") throw NotHere("sums are kept in fp32 only");
  const std::string mask = row.text("mask", "random");
  if (mask != "random") throw NotHere("masks are drawn here; the row says mask=" + mask);
  if (row.op == "gemm" && row.pattern != "dense" && !row.pattern.empty())
    throw NotHere("gemm is dense; the row says pattern " + row.pattern);
  if (row.op == "gemm" || row.pattern == "2:4") return;
  if (!row.sparsity) throw NotHere("a row of sparse weights says its sparsity");
  const SparseFormat format = format_of(row);
  if (format != SparseFormat::csr) weight_block(row);
}

std::string product_key(const PlanRow& row) {
  return row.op + " " + std::to_string(row.m) + " " + std::to_string(row.n) + " " + std::to_string(row.k) + " " +
         row.dtype;
}

class Products : public Problem {
 public:
  Products(const PlanRow& row, const Device& device, std::uint64_t seed)
      : device_(device), seed_(seed), sparse_(row.op == "spmm"), size_(size_of(row)), type_(product_type(row.dtype)) {}

  std::vector<std::unique_ptr<Runner>> runners(const PlanRow& row) override {
    std::vector<std::unique_ptr<Runner>> runners;
    if (row.op == "gemm") {
      runners.push_back(dense());
    } else if (row.pattern == "2:4") {
      runners.push_back(make_cusparselt_runner(device_, size_, type_, seed_));
    } else {
      runners.push_back(make_cusparse_runner(device_, sparse_product(row, format_of(row), seed_)));
    }
    return runners;
  }

  std::vector<std::unique_ptr<Runner>> baselines() override {
    std::vector<std::unique_ptr<Runner>> runners;
    if (sparse_) runners.push_back(dense());
    return runners;
  }

 private:
  std::unique_ptr<Runner> dense() const { return make_dense_runner(device_, size_, type_, seed_); }

  const Device& device_;
  std::uint64_t seed_;
  bool sparse_;
  ProductSize size_;
  ProductType type_;
};

}  // namespace

extern const ProblemFamily kGemm, kSpmm;  // const objects are local to their file unless said otherwise
const ProblemFamily kGemm = {"gemm", "library:cublaslt (fp32 tf32 fp16 bf16 fp8 int8)", check_product_row, product_key,
                             make_problem<Products>};
const ProblemFamily kSpmm = {"spmm",
                             "library:cusparse_csr (unstructured), library:cusparse_bsr and "
                             "library:cusparse_blocked_ell (block), library:cusparselt (2:4)",
                             check_product_row, product_key, make_problem<Products>};

}  // namespace sparsesim::measure
