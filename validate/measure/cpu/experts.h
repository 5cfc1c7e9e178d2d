#pragma once
// Products of experts on processors: grouped products and whole layers (docs/measuring.md).

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "validate/measure/cpu/aligned.h"
#include "validate/measure/cpu/kernels/dense.h"
#include "validate/measure/cpu/problems.h"

namespace sparsesim::measure {

inline constexpr std::int64_t kExpertSizeMost = 1 << 20;  // rows, and each side of an expert's weights

/// Rows of op grouped_gemm: m rows in all, sorted by expert, [m, k] times each expert's [k, n]; params experts routing;
/// dtype fp32, bf16 or int8. Baseline: every row by every expert's weights in one product.
ProblemFamily grouped_gemm_family();
/// Rows of op moe_ffn: m tokens of k elements, n intermediate ones; params experts top_k gated routing; dtype fp32.
/// Baseline: one feed-forward layer as wide as all experts together, for every token.
ProblemFamily moe_ffn_family();

/// Rows of each expert by the simulator's law, drawn by `seed`. Errors: NotHere.
std::vector<std::int64_t> draw_counts(const std::string& routing, std::int64_t tokens, std::int64_t experts,
                                      std::int64_t top_k, std::uint64_t seed);

/// One product per expert with rows, by a library; all experts' weights are [k, n].
class ExpertProducts {
 public:
  /// rows  of an expert, typically: the library chooses its layout of the weights for them
  /// Errors: NotHere.
  ExpertProducts(const std::string& library, std::int64_t rows, std::int64_t n, std::int64_t k, DenseType type,
                 const CpuContext& context);
  /// Bytes from one expert's weights to the next in the library's layout.
  std::size_t expert_bytes() const { return expert_bytes_; }
  /// Writes an expert's weights [k, n] in the library's layout.
  void prepare(const void* weights, void* all_experts, std::int64_t expert);
  /// Makes products of so many rows ready.
  void make_ready(const std::vector<std::int64_t>& counts);
  /// results[rows, n] = rows[rows, k] weights[expert], expert after expert. Counts that are not ready are made so.
  void run(const std::vector<std::int64_t>& counts, const void* rows, const void* all_experts, void* results);

 private:
  DenseKernel& product_of(std::int64_t rows);
  std::unique_ptr<DenseKernel> base_;
  std::vector<std::unique_ptr<DenseKernel>> by_rows_;  // [most rows + 1]
  std::size_t expert_bytes_, row_bytes_, result_row_bytes_;
};

}  // namespace sparsesim::measure
