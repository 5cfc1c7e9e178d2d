#include "validate/measure/cuda/dense_product.h"

#include "validate/measure/cuda/operand_kernels.h"
#include "validate/measure/cuda/product_error.h"

namespace sparsesim::measure {
namespace {

/// A dense product with its operands.
class DenseProduct {
 public:
  DenseProduct(const Device& device, const ProductSize& size, const ProductType& type, std::uint64_t seed)
      : device_(device), size_(size), type_(type), seed_(seed), matmul_(device, size, type) {
    const auto& [m, n, k] = size_;
    operands_ =
        std::make_unique<Operands>(device, std::vector<std::size_t>{static_cast<std::size_t>(m * k) * type.in_bytes,
                                                                    static_cast<std::size_t>(n * k) * type.in_bytes,
                                                                    static_cast<std::size_t>(m * n) * type.out_bytes});
    check(fill_random(operands_->at(0, 0), type.in, m * k, seed + 1, device.stream));
    check(fill_random(operands_->at(0, 1), type.in, n * k, seed + 2, device.stream));
    operands_->spread(device.stream);
    std::vector<ProductOperands> all;
    for (int copy = 0; copy < copies(); ++copy) all.push_back(product_of(copy));
    matmul_.choose(all);
  }

  int copies() const { return operands_->copies(); }
  void enqueue(int copy) const { matmul_.enqueue(product_of(copy)); }
  void reset() const { check(cudaMemsetAsync(operands_->at(0, 2), 0xff, operands_->bytes(2), device_.stream)); }
  double error() const;

 private:
  ProductOperands product_of(int copy) const {
    return {operands_->at(copy, 0), operands_->at(copy, 1), operands_->at(copy, 2)};
  }

  const Device& device_;
  ProductSize size_;
  ProductType type_;
  std::uint64_t seed_;
  Matmul matmul_;
  std::unique_ptr<Operands> operands_;  // activations [m, k], weights [n, k], results [m, n]
};

double DenseProduct::error() const {
  const auto& [m, n, k] = size_;
  return product_error(device_, type_,
                       {.m = m,
                        .n = n,
                        .k = k,
                        .x = {operands_->at(0, 0), type_.in, k, 1},
                        .w = {operands_->at(0, 1), type_.in, k, 1},
                        .out = {operands_->at(0, 2), type_.out, n, 1},
                        .seed = seed_});
}

}  // namespace

std::unique_ptr<Runner> make_dense_runner(const Device& device, const ProductSize& size, const ProductType& type,
                                          std::uint64_t seed) {
  const auto product = std::make_shared<DenseProduct>(device, size, type, seed);
  return make_runner(device, "library:cublaslt", product);
}

}  // namespace sparsesim::measure
