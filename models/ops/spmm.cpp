#include "models/ops/spmm.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "models/compute/player.h"
#include "models/ops/gemm.h"
#include "models/ops/limits.h"
#include "models/ops/spmm_rows.h"
#include "models/ops/spmm_tiles.h"
#include "models/ops/spmm_twin.h"

namespace sparsesim {
namespace {

constexpr double kRowsMost = 1 << 24;  // of units: 4 bytes each for their counts

constexpr std::array<SparseKind, 5> kKinds = {{
    {"unstructured", "CSR", "single weights anywhere: every stored one names a row of activations"},
    {"vector", "column vectors", "short columns of weights: a stored vector shares one row of activations"},
    {"2:4", "values and 2-bit places", "two of every four weights in a row, skipped by the matrix unit"},
    {"vnm", "V:N:M", "V rows agree on 4 of M columns, and each keeps N = 2 of the 4"},
    {"block", "BSR, Blocked-ELL", "small dense blocks of weights"},
}};

/// How a kernel goes through the weights: its op in the kernel library.
struct Method {
  std::string_view op;
  Launch (*lower)(const SpmmSize&, const Kernel&, const LowerContext&);
};
constexpr std::array<Method, 1> kMethods = {{{"spmm_rows", lower_spmm_rows}}};

const Method* find_method(const Kernel& kernel) {
  for (const Method& method : kMethods)
    if (method.op == kernel.op) return &method;
  return nullptr;
}

bool fits(const Kernel& kernel, const SpmmSize& size) {
  if (!takes(kernel, size.pattern, size.dtype)) return false;
  const auto block = kernel.constants.find("block_n");
  if (block != kernel.constants.end() && block->second.value > 0 &&
      block->second.value != static_cast<double>(size.block_n))
    return false;
  return kernel.name.starts_with(size.kernel);
}

/// All launches that the library has for the product.
std::vector<Launch> candidates(const SpmmSize& size, const LowerContext& context) {
  std::vector<Launch> launches;
  if (auto tiles = lower_spmm_tiles(size, context)) launches.push_back(std::move(*tiles));
  for (const Kernel& kernel : context.substrate.kernels)
    if (const Method* method = find_method(kernel); method && fits(kernel, size))
      launches.push_back(method->lower(size, kernel, context));
  if (launches.empty())
    throw UnsupportedError(fmt::format("no {}spmm kernel for {} weights in {} on {}",
                                       size.kernel.empty() ? "" : size.kernel + " ", size.pattern, size.dtype,
                                       context.substrate.name));
  return launches;
}

/// The launch that ends first: kernels of different making cannot be compared by a formula.
Launch fastest(std::vector<Launch> launches, const LowerContext& context) {
  std::size_t best = 0;
  if (launches.size() > 1) {
    std::vector<Time> times;
    for (const Launch& launch : launches) times.push_back(play(launch, context.substrate, context.ideal).time);
    best = static_cast<std::size_t>(std::min_element(times.begin(), times.end()) - times.begin());
  }
  return std::move(launches[best]);
}

}  // namespace

std::span<const SparseKind> sparse_kinds() { return kKinds; }

const SparseKind* find_sparse_kind(std::string_view pattern) {
  for (const SparseKind& kind : kKinds)
    if (kind.pattern == pattern) return &kind;
  return nullptr;
}

bool is_n_of_m(std::string_view pattern) { return pattern == "2:4" || pattern == "vnm"; }

RowCounts SpmmSize::row_counts(std::uint64_t seed) const {
  if (!mask.units.empty()) return mask;
  const std::int64_t rows = n / block_n, columns = k / block_k;
  require_at_most(static_cast<double>(rows), kRowsMost, "rows of sparse weights");
  return equal_rows ? equal_row_counts(rows, columns, 1 - sparsity)
                    : random_row_counts(rows, columns, 1 - sparsity, seed);
}

Program Spmm::lower(const LowerContext& context) const {
  Stage stage;
  stage.launch = std::make_shared<const Launch>(fastest(candidates(size_, context), context));
  Program program;
  program.stages.push_back(std::move(stage));
  return program;
}

Program Spmm::lower_dense(const LowerContext& context) const {
  const auto& kernels = context.substrate.kernels;
  const auto timed_as = std::find_if(kernels.begin(), kernels.end(),
                                     [&](const Kernel& kernel) { return find_method(kernel) && fits(kernel, size_); });
  Stage stage;
  stage.launch = std::make_shared<const Launch>(
      lower_dense_twin(size_, timed_as == kernels.end() ? nullptr : &*timed_as, context));
  Program program;
  program.stages.push_back(std::move(stage));
  return program;
}

SparsitySummary Spmm::sparsity(const LowerContext& context) const {
  if (is_n_of_m(size_.pattern)) return n_of_m_summary(size_, context.substrate);
  SparsitySummary summary;
  const RowCounts counts = size_.row_counts(context.seed);
  summary.declared = 1 - counts.density();
  // A zero is free in memory if its line holds no stored unit of its row.
  const double line = context.substrate.memory.line, bytes = size_.dtype == "fp32" ? 4 : 2;
  const double units_per_line = std::max(1.0, line / (bytes * static_cast<double>(size_.block_k)));
  summary.aligned_cache = std::pow(summary.declared, units_per_line - 1);
  return summary;
}

}  // namespace sparsesim
