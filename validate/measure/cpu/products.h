#pragma once
// Products on processors: dense, and with sparse weights (docs/measuring.md).

#include "validate/measure/cpu/problems.h"

namespace sparsesim::measure {

/// Rows of op gemm: dtype fp32, bf16 or int8.
ProblemFamily gemm_family();
/// Rows of op spmm, against the dense product of the same sizes: pattern unstructured, block or vector (param block, as
/// "16x16"), 2:4; dtype fp32; blocks in bf16 where the processor has matrix tiles.
ProblemFamily spmm_family();

}  // namespace sparsesim::measure
