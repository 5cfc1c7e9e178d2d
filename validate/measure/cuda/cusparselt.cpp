// 2:4 weights by cuSPARSELt, where it was found when this program was built.

#include "validate/measure/cuda/sparse_products.h"

#ifdef SPARSESIM_HAVE_CUSPARSELT

#include <cusparseLt.h>

#include "validate/measure/cuda/operand_kernels.h"
#include "validate/measure/cuda/product_error.h"
#include "validate/measure/cuda/weight_kernels.h"

namespace sparsesim::measure {
namespace {

constexpr unsigned kLibraryAlignment = 16;

/// The library's state; one for each product keeps their ends apart.
class Library {
 public:
  Library() { check(cusparseLtInit(&handle_)); }
  ~Library() { cusparseLtDestroy(&handle_); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  const cusparseLtHandle_t* handle() const { return &handle_; }

 private:
  cusparseLtHandle_t handle_{};
};

cusparseComputeType compute_type(const ProductType& type) {
  if (type.in == Type::int8) return CUSPARSE_COMPUTE_32I;
  if (type.in == Type::fp16 || type.in == Type::bf16) return CUSPARSE_COMPUTE_32F;
  throw NotHere("2:4 weights are measured in fp16, bf16 and int8");
}

class TwoOfFour {
 public:
  TwoOfFour(const Device& device, const ProductSize& size, const ProductType& type, std::uint64_t seed)
      : device_(device), size_(size), type_(type), seed_(seed) {
    try {
      describe();
    } catch (const CudaError& error) {
      throw NotHere(error.what());  // sizes or type that the library does not take
    }
    draw_operands();
    search();
  }
  ~TwoOfFour() { cusparseLtMatmulPlanDestroy(&plan_); }
  TwoOfFour(const TwoOfFour&) = delete;
  TwoOfFour& operator=(const TwoOfFour&) = delete;

  int copies() const { return operands_->copies(); }
  void enqueue(int copy) {
    cudaStream_t stream = device_.stream;
    void* const out = operands_->at(copy, 2);
    check(cusparseLtMatmul(library_.handle(), &plan_, &one_, operands_->at(copy, 0), operands_->at(copy, 1), &zero_,
                           out, out, workspace_.data(), &stream, 1));
  }
  void reset() const { check(cudaMemsetAsync(operands_->at(0, 2), 0xff, operands_->bytes(2), device_.stream)); }
  double error() const;

 private:
  void describe();
  void draw_operands();
  void search();

  const Device& device_;
  ProductSize size_;
  ProductType type_;
  std::uint64_t seed_;
  Library library_;
  float one_ = 1, zero_ = 0;
  cusparseLtMatDescriptor_t w_{}, x_{}, out_{};
  cusparseLtMatmulDescriptor_t product_{};
  cusparseLtMatmulAlgSelection_t algorithm_{};
  cusparseLtMatmulPlan_t plan_{};
  DeviceMemory weights_, workspace_;    // weights [n, k] with their zeros
  std::unique_ptr<Operands> operands_;  // compressed weights, activations [m, k], results [m, n]
};

void TwoOfFour::describe() {
  const auto* handle = library_.handle();
  const auto& [m, n, k] = size_;
  check(cusparseLtStructuredDescriptorInit(handle, &w_, n, k, k, kLibraryAlignment, type_.in_cuda, CUSPARSE_ORDER_ROW,
                                           CUSPARSELT_SPARSITY_50_PERCENT));
  check(cusparseLtDenseDescriptorInit(handle, &x_, m, k, k, kLibraryAlignment, type_.in_cuda, CUSPARSE_ORDER_ROW));
  check(cusparseLtDenseDescriptorInit(handle, &out_, n, m, n, kLibraryAlignment, type_.out_cuda, CUSPARSE_ORDER_COL));
  check(cusparseLtMatmulDescriptorInit(handle, &product_, CUSPARSE_OPERATION_NON_TRANSPOSE,
                                       CUSPARSE_OPERATION_TRANSPOSE, &w_, &x_, &out_, &out_, compute_type(type_)));
  check(cusparseLtMatmulAlgSelectionInit(handle, &algorithm_, &product_, CUSPARSELT_MATMUL_ALG_DEFAULT));
  check(cusparseLtMatmulPlanInit(handle, &plan_, &product_, &algorithm_));
}

void TwoOfFour::draw_operands() {
  const auto& [m, n, k] = size_;
  weights_ = DeviceMemory(static_cast<std::size_t>(n * k) * type_.in_bytes);
  check(fill_random(weights_.data(), type_.in, n * k, seed_ + 1, device_.stream));
  check(zero_pairs(weights_.data(), type_.in, n * k, seed_ + 2, device_.stream));
  std::size_t compressed = 0, buffer = 0;
  check(cusparseLtSpMMACompressedSize(library_.handle(), &plan_, &compressed, &buffer));
  operands_ = std::make_unique<Operands>(
      device_, std::vector<std::size_t>{compressed, static_cast<std::size_t>(m * k) * type_.in_bytes,
                                        static_cast<std::size_t>(m * n) * type_.out_bytes});
  check(fill_random(operands_->at(0, 1), type_.in, m * k, seed_ + 3, device_.stream));
  const DeviceMemory scratch(buffer);
  check(cusparseLtSpMMACompress(library_.handle(), &plan_, weights_.data(), operands_->at(0, 0), scratch.data(),
                                device_.stream));
  device_.synchronize();
  operands_->spread(device_.stream);
}

// Without a search the library's first guess stands.
void TwoOfFour::search() {
  cudaStream_t stream = device_.stream;
  std::size_t bytes = 0;
  check(cusparseLtMatmulGetWorkspace(library_.handle(), &plan_, &bytes));
  workspace_ = DeviceMemory(std::max(bytes, std::size_t{64} << 20));
  void* const out = operands_->at(1, 2);
  static_cast<void>(cusparseLtMatmulSearch(library_.handle(), &plan_, &one_, operands_->at(1, 0), operands_->at(1, 1),
                                           &zero_, out, out, workspace_.data(), &stream, 1));
  device_.synchronize();
  check(cusparseLtMatmulGetWorkspace(library_.handle(), &plan_, &bytes));
  if (bytes > workspace_.bytes()) workspace_ = DeviceMemory(bytes);
}

double TwoOfFour::error() const {
  const auto& [m, n, k] = size_;
  return product_error(device_, type_,
                       {.m = m,
                        .n = n,
                        .k = k,
                        .x = {operands_->at(0, 1), type_.in, k, 1},
                        .w = {weights_.data(), type_.in, k, 1},
                        .out = {operands_->at(0, 2), type_.out, n, 1},
                        .seed = seed_});
}

}  // namespace

std::unique_ptr<Runner> make_cusparselt_runner(const Device& device, const ProductSize& size, const ProductType& type,
                                               std::uint64_t seed) {
  const auto call = std::make_shared<TwoOfFour>(device, size, type, seed);
  return make_runner(device, "library:cusparselt", call);
}

std::string cusparselt_version() {
  int version[3] = {};
  cusparseLtGetProperty(MAJOR_VERSION, &version[0]);
  cusparseLtGetProperty(MINOR_VERSION, &version[1]);
  cusparseLtGetProperty(PATCH_LEVEL, &version[2]);
  return std::to_string(version[0]) + "." + std::to_string(version[1]) + "." + std::to_string(version[2]);
}

}  // namespace sparsesim::measure

#else

namespace sparsesim::measure {

std::unique_ptr<Runner> make_cusparselt_runner(const Device&, const ProductSize&, const ProductType&, std::uint64_t) {
  throw NotHere("cuSPARSELt was not found when this program was built");
}

std::string cusparselt_version() { return {}; }

}  // namespace sparsesim::measure

#endif
