#pragma once
// The problems that a processor measures: one maker per family, chosen by op and pattern in problem_table().

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "validate/measure/cpu/context.h"
#include "validate/measure/harness/backend.h"

namespace sparsesim::measure {

struct ProblemFamily {
  std::string_view op;
  /// Whether the family takes the row (pattern, dtype, instructions there); throws NotHere with the reason where not.
  void (*check)(const PlanRow& row, const CpuContext& context);
  /// What rows with the same data and baseline have in common. Two rows of one problem may differ in pattern only.
  std::string (*key)(const PlanRow& row);
  std::unique_ptr<Problem> (*make)(const PlanRow& row, const CpuContext& context, std::uint64_t seed);
};

/// The usual maker: a P of the row, the processor and the seed.
template <class P>
std::unique_ptr<Problem> make_problem(const PlanRow& row, const CpuContext& context, std::uint64_t seed) {
  return std::make_unique<P>(row, context, seed);
}

/// gemm, spmm: products.cpp. grouped_gemm, moe_ffn: experts.cpp. attention: attention.cpp. embedding_bag: gathers.cpp.
std::span<const ProblemFamily> problem_table();

}  // namespace sparsesim::measure
