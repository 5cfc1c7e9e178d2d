#include "models/ops/training/optimizer.h"

#include <algorithm>
#include <cmath>

#include "models/ops/attention/index_passes.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm_kernels.h"

namespace sparsesim {

OptimizerBytes optimizer_bytes(const OptimizerSize& size, const Memory& memory) {
  if (size.kind == Optimizer::none) return {};
  const double bytes = element_bytes(size.dtype), stored = size.weights * size.density;
  const double state = size.kind == Optimizer::adam ? 12 : 8;  // master weight and moments, 4 bytes each
  double gradient = stored * bytes;
  if (!size.packed_gradient && size.density < 1) {
    const double units_per_sector = std::max(1.0, memory.sector / (bytes * size.unit));
    gradient = size.weights * bytes * (1 - std::pow(1 - size.density, units_per_sector)) + stored / size.unit * 4;
  }
  return {gradient + stored * state, stored * (state + size.copies * bytes)};
}

Launch lower_optimizer(const OptimizerSize& size, const Substrate& substrate) {
  const OptimizerBytes bytes = optimizer_bytes(size, substrate.memory);
  const double stored = std::max(1.0, std::ceil(size.weights * size.density));
  const double flops = size.kind == Optimizer::adam ? 14 : 4;  // moments, root, division, decay and update
  return lower_elementwise({.name = "optimizer",
                            .elements = pass_elements(stored),
                            .dtype = "fp32",
                            .reads = bytes.read / (4 * stored),
                            .writes = bytes.write / (4 * stored),
                            .flops_per_element = flops},
                           substrate);
}

}  // namespace sparsesim
