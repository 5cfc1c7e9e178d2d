#include "models/ops/products/spgemm.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "models/compute/player.h"
#include "models/ops/chain.h"
#include "models/ops/dense/gemm.h"
#include "models/ops/limits.h"
#include "models/ops/products/spgemm_dataflows.h"
#include "models/sparsity/granule_use.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

/// How a kernel goes through the product: its op in the kernel library.
struct SpgemmMethod {
  std::string_view op;
  Program (*lower)(const SpgemmSize&, const SpgemmOperands&, const Kernel&, const LowerContext&);
};
constexpr std::array<SpgemmMethod, 3> kSpgemmMethods = {
    {{"spgemm_rows", lower_spgemm_rows}, {"spgemm_outer", lower_spgemm_outer}, {"spgemm_tiles", lower_spgemm_tiles}}};

// Results of one slab of the dense twin: 64 x 64 of them to a tile at least.
constexpr double kSlabResultsMost = 0x1p26;

/// The program that ends first: tiles are chosen for the matrix.
Program fastest(std::vector<Program> programs, const LowerContext& context) {
  if (programs.size() == 1) return std::move(programs.front());
  const auto time = [&](const Program& program) {
    Time sum;
    for (const Stage& stage : program.stages) sum += play(*stage.launch, context.substrate, context.ideal).time;
    return sum;
  };
  std::size_t best = 0;
  Time least = time(programs[0]);
  for (std::size_t i = 1; i < programs.size(); ++i)
    if (const Time now = time(programs[i]); now < least) {
      least = now;
      best = i;
    }
  return std::move(programs[best]);
}

}  // namespace

Spgemm::Spgemm(SpgemmSize size) : size_(std::move(size)), operands_(std::make_shared<SpgemmOperandsMemo>()) {}

Program Spgemm::lower(const LowerContext& context) const {
  std::vector<Program> programs;
  for (const Kernel& kernel : context.substrate.kernels) {
    if (!takes(kernel, std::string(pattern()), size_.dtype) || !kernel.name.starts_with(size_.kernel)) continue;
    for (const SpgemmMethod& method : kSpgemmMethods)
      if (method.op == kernel.op)
        programs.push_back(method.lower(size_, *operands_->get(size_, context.seed), kernel, context));
  }
  if (!programs.empty()) return fastest(std::move(programs), context);
  throw UnsupportedError("no " + (size_.kernel.empty() ? "" : size_.kernel + " ") +
                         "kernel for products of two sparse matrices in " + size_.dtype + " on " +
                         context.substrate.name);
}

Program Spgemm::lower_dense(const LowerContext& context) const {
  const auto rows = static_cast<std::int64_t>(std::max(64.0, kSlabResultsMost / real(size_.n)));
  GemmSize slab{.m = std::min(rows, size_.m), .n = size_.n, .k = size_.k, .dtype = size_.dtype};
  Program program;
  append(program, Gemm(slab).lower(context), size_.m / slab.m);
  slab.m = size_.m % slab.m;
  if (slab.m > 0) append(program, Gemm(slab).lower(context));
  return program;
}

SparsitySummary Spgemm::sparsity(const LowerContext& context) const {
  const auto operands = operands_->get(size_, context.seed);
  const ProductCounts& counts = operands->counts();
  SparsitySummary summary;
  summary.declared = 1 - counts.products / (real(size_.m) * real(size_.n) * real(size_.k));
  const auto per_line = static_cast<std::int64_t>(context.substrate.memory.line / element_bytes(size_.dtype));
  const Granule line{1, std::max<std::int64_t>(1, per_line)};
  const GranuleUse a = granule_use(operands->a(), line), b = granule_use(operands->b(), line);
  const double zeros = a.places - a.stored + b.places - b.stored;
  const double free = a.places - a.occupied_places + b.places - b.occupied_places;
  summary.aligned_cache = zeros > 0 ? free / zeros : 1;
  summary.facts = {{"a_stored", real(operands->a().stored())},
                   {"b_stored", real(operands->b().stored())},
                   {"partial_products", counts.products},
                   {"results_stored", counts.results},
                   {"products_per_result", counts.compression()}};
  return summary;
}

}  // namespace sparsesim
