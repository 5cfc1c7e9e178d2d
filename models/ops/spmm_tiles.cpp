#include "models/ops/spmm_tiles.h"

#include <algorithm>
#include <cmath>

#include "models/ops/gemm_kernels.h"

namespace sparsesim {
namespace {

/// Values, and an index of two bits for each, over the dense weights of the columns walked.
double n_of_m_bytes(const SpmmSize& size, double kept, const Ideal& ideal) {
  constexpr double kIndexBytes = 0.25;
  return kept * (1 + (ideal.metadata ? 0 : kIndexBytes / element_bytes(size.dtype)));
}

// N of M columns are kept in every row: the matrix unit takes them as 2:4, so 2 M / N groups of columns are walked
// where V rows agree on the columns, and all of them where each row chooses.
WeightFormat n_of_m(const SpmmSize& size, const Ideal& ideal) {
  WeightFormat format;
  format.n_of_m = true;
  format.useful_share = 0.5;
  format.bytes_share = n_of_m_bytes(size, 0.5, ideal);
  if (size.pattern != "vnm") return format;
  format.depth_share = 2.0 * size.n_kept / size.n_of;
  format.columns_most = size.block_n;
  // Blocks of V rows choose for themselves: together they walk more of the activations than each alone.
  const auto blocks = static_cast<double>(size.n) / static_cast<double>(size.block_n);
  const double walked = 1 - std::pow(1 - format.depth_share, blocks);
  format.gathers = std::max(1, static_cast<int>(std::lround(walked / format.depth_share)));
  if (!ideal.metadata) {  // a byte per column walked and block of rows
    const double rows_bytes = static_cast<double>(size.block_n) * element_bytes(size.dtype);
    format.bytes_share += 1 / rows_bytes;
  }
  return format;
}

// 16-bit values with 16-bit places within the tile; the tile is unpacked in the scratchpad.
WeightFormat packed(const SpmmSize& size, const Ideal& ideal) {
  constexpr double kPlaceBytes = 2;
  const double density = 1 - size.sparsity, bytes = element_bytes(size.dtype);
  WeightFormat format;
  format.useful_share = density;
  format.bytes_share = density * (bytes + (ideal.metadata ? 0 : kPlaceBytes)) / bytes;
  return format;
}

}  // namespace

SparsitySummary n_of_m_summary(const SpmmSize& size, const Substrate& substrate) {
  const WeightFormat format = n_of_m(size, {});
  SparsitySummary summary;
  summary.declared = size.sparsity;
  summary.aligned_cache = (1 - format.depth_share * format.bytes_share) / size.sparsity;
  const auto rate = substrate.compute.pipes.tensor.find(size.dtype);
  const bool skips = rate != substrate.compute.pipes.tensor.end() && rate->second.sparse > 1;
  summary.aligned_dispatch = (1 - format.depth_share / (skips ? rate->second.sparse.value : 1)) / size.sparsity;
  return summary;
}

std::optional<Launch> lower_spmm_tiles(const SpmmSize& size, const LowerContext& context) {
  const bool any =
      std::any_of(context.substrate.kernels.begin(), context.substrate.kernels.end(), [&](const Kernel& k) {
        return k.op == "gemm" && k.name.starts_with(size.kernel) &&
               std::find(k.patterns.begin(), k.patterns.end(), size.pattern) != k.patterns.end();
      });
  if (!any) return std::nullopt;
  GemmSize product{.m = size.m, .n = size.n, .k = size.k, .dtype = size.dtype, .accumulate = size.accumulate};
  product.weights = size.pattern == "unstructured" ? packed(size, context.ideal) : n_of_m(size, context.ideal);
  product.weights.pattern = size.pattern;
  product.weights.kernel = size.kernel;
  const auto plans = plan_gemm(product, context.substrate, context.ideal);
  Launch launch = build_gemm(product, plans.front(), context.substrate, context.ideal);
  launch.name = "spmm";
  return launch;
}

}  // namespace sparsesim
