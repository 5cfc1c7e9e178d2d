#include "validate/measure/cuda/product_error.h"

#include "validate/measure/cuda/worst.h"

namespace sparsesim::measure {

double product_error(const Device& device, const ProductType& type, ProductSample product) {
  product.rounding = type.rounding;
  product.accumulation = type.accumulation;
  product.samples = 1 << 15;
  const Worst worst(device);
  check(compare_finite(product.out.data, type.out, product.m * product.n, worst.device_value(), device.stream));
  check(compare_product(product, worst.device_value(), device.stream));
  return worst.value();
}

}  // namespace sparsesim::measure
