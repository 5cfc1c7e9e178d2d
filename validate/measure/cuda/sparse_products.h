#pragma once
// Products with sparse weights by NVIDIA's libraries: cuSPARSE (CSR, BSR, Blocked-ELL) and cuSPARSELt (2:4).

#include <cstdint>
#include <memory>
#include <string>

#include "validate/measure/cuda/graph_runner.h"
#include "validate/measure/cuda/masks.h"
#include "validate/measure/cuda/matmul.h"

namespace sparsesim::measure {

enum class SparseFormat { csr, bsr, blocked_ell };

struct SparseProduct {
  ProductSize size;
  ProductType type;
  SparseFormat format = SparseFormat::csr;
  MaskSize mask = {};
  std::uint64_t seed = 0;
};

/// cuSPARSE's product of weights [n, k] in the format with activations [k, m]; results [n, m], all row-major.
/// Errors: NotHere, CudaError.
std::unique_ptr<Runner> make_cusparse_runner(const Device& device, const SparseProduct& product);

/// cuSPARSELt's product of 2:4 weights [n, k] with activations [m, k]; results [m, n], all row-major.
/// Errors: NotHere where the library was not found when this program was built, or refuses the sizes.
std::unique_ptr<Runner> make_cusparselt_runner(const Device& device, const ProductSize& size, const ProductType& type,
                                               std::uint64_t seed);

/// "0.8.0", or nothing where the program was built without it.
std::string cusparselt_version();

}  // namespace sparsesim::measure
