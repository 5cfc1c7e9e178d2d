#include "validate/measure/cpu/problems.h"

#include <array>

#include "validate/measure/cpu/attention.h"
#include "validate/measure/cpu/experts.h"
#include "validate/measure/cpu/gathers.h"
#include "validate/measure/cpu/products.h"

namespace sparsesim::measure {

// One row per family; the functions are declared by the family's header.
std::span<const ProblemFamily> problem_table() {
  static const std::array table = {gemm_family(),    spmm_family(),          grouped_gemm_family(),
                                   moe_ffn_family(), embedding_bag_family(), attention_family()};
  return table;
}

}  // namespace sparsesim::measure
