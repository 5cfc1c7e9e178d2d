#pragma once
// The problems that a GPU measures: one maker per family, chosen by op in problem_table().

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "validate/measure/cuda/device.h"
#include "validate/measure/harness/backend.h"

namespace sparsesim::measure {

struct ProblemFamily {
  std::string_view op;
  std::string_view kernels;  // for people: "library:cublaslt (dense)"
  /// Throws NotHere with the reason where the family does not take the row's pattern, type or sizes. Needs no device.
  void (*check)(const PlanRow& row);
  /// What rows with the same baseline have in common.
  std::string (*key)(const PlanRow& row);
  std::unique_ptr<Problem> (*make)(const PlanRow& row, const Device& device, std::uint64_t seed);
};

/// The usual maker: a P of the row, the device and the seed.
template <class P>
std::unique_ptr<Problem> make_problem(const PlanRow& row, const Device& device, std::uint64_t seed) {
  return std::make_unique<P>(row, device, seed);
}

/// gemm, spmm: products.cpp. grouped_gemm, moe_ffn: experts.cpp. attention: attention.cpp. embedding_bag: gathers.cpp.
std::span<const ProblemFamily* const> problem_table();

/// Errors: NotHere for an op without kernels.
const ProblemFamily& find_family(const PlanRow& row);

}  // namespace sparsesim::measure
