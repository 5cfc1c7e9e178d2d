#include "models/ops/weights/spmm_tiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/weights/spmm_kernels.h"
#include "models/ops/weights/stored_bytes.h"

namespace sparsesim {
namespace {

/// Weights and activations may differ: bytes of a weight, and what a kernel multiplies.
struct Operands {
  explicit Operands(const SpmmSize& size)
      : types(operand_types(size.dtype)), dense(element_bytes(types.activations)), value(weight_bytes(types.weights)) {}
  OperandTypes types;
  double dense, value;  // bytes of an activation, and of a stored weight
};

WeightFormat named(const SpmmSize& size, std::string pattern) {
  WeightFormat format;
  format.pattern = std::move(pattern);
  if (size.dtype.find('x') != std::string::npos) format.operands = size.dtype;
  format.kernel = size.kernel;
  format.quality = size.quality;
  return format;
}

/// Two of every four columns of the depth walked are stored, with their places; `useful` of the walked weights are
/// weights and not zeros stored to fill the four.
WeightFormat two_of_four(const SpmmSize& size, const std::string& pattern, double useful, const Ideal& ideal) {
  const Operands operands(size);
  WeightFormat format = named(size, pattern);
  format.n_of_m = true;
  format.issued_share = 0.5;
  format.useful_share = useful;
  const double place = ideal.metadata ? 0 : two_of_four_place_bytes(operands.types.activations);
  format.bytes_share = 0.5 * (operands.value + place) / operands.dense;
  return format;
}

// V rows agree on 4 of M columns, and 2 of those are kept: 4 / M of the columns are walked.
WeightFormat vnm(const SpmmSize& size, const Ideal& ideal) {
  WeightFormat format = two_of_four(size, "vnm", 0.5, ideal);
  format.depth_share = 2.0 * size.n_kept / size.n_of;
  format.columns_most = size.block_n;
  // Blocks of V rows choose for themselves: together they walk more of the activations than each alone.
  const auto blocks = static_cast<double>(size.n) / static_cast<double>(size.block_n);
  const double walked = 1 - std::pow(1 - format.depth_share, blocks);
  format.gathers = std::max(1, static_cast<int>(std::lround(walked / format.depth_share)));
  if (!ideal.metadata)  // a byte per column walked and block of rows
    format.bytes_share += 1 / (static_cast<double>(size.block_n) * Operands(size).dense);
  return format;
}

/// Stored as values with `place` bytes each and `rest` bytes per place of the dense matrix, multiplied as dense tiles.
WeightFormat expanded(const SpmmSize& size, const std::string& pattern, double density, double place, double rest) {
  const Operands operands(size);
  constexpr double kPackedValue = 2, kPackedPlace = 2;  // what decode_cycles were measured on: 16 bits each
  WeightFormat format = named(size, pattern);
  format.useful_share = density;
  format.bytes_share = (density * (operands.value + place) + rest) / operands.dense;
  format.unpacked_share = density * (kPackedValue + kPackedPlace) / operands.dense;
  return format;
}

WeightFormat unstructured(const SpmmSize& size, const std::string& how, const Ideal& ideal) {
  const bool bitmap = how == "bitmap";
  const double place = bitmap ? 0 : (size.index_bits > 0 ? size.index_bits / 8.0 : 2), rest = bitmap ? 0.125 : 0;
  const bool free = ideal.metadata;
  WeightFormat format = expanded(size, "unstructured", 1 - size.sparsity, free ? 0 : place, free ? 0 : rest);
  format.format = how;
  return format;
}

/// Ways through N:M weights: at a declared rate of the pattern itself, inside 2:4 where no four columns hold more than
/// two weights, and expanded to dense tiles.
std::vector<WeightFormat> n_of_m_ways(const SpmmSize& size, const LowerContext& context) {
  const NOfM ratio = *parse_n_of_m(size.pattern);
  const double density = static_cast<double>(ratio.kept) / ratio.of;
  const Operands operands(size);
  const double place = std::ceil(std::log2(ratio.of)) / 8;
  std::vector<WeightFormat> ways;
  const auto rates = context.substrate.compute.pipes.tensor.find(operands.types.activations);
  if (rates != context.substrate.compute.pipes.tensor.end()) {
    if (const auto declared = rates->second.n_of_m.find(size.pattern); declared != rates->second.n_of_m.end()) {
      WeightFormat own = two_of_four(size, "2:4", density, context.ideal);
      own.issued_share = density;
      own.sparse_rate = declared->second;
      own.bytes_share = density * (operands.value + (context.ideal.metadata ? 0 : place)) / operands.dense;
      ways.push_back(own);
    }
  }
  // Groups of any size with one weight, or whole fours with two: four columns in a row never hold more than two.
  if (ratio.kept == 1 || (ratio.kept == 2 && ratio.of % 4 == 0))
    ways.push_back(two_of_four(size, "2:4", density, context.ideal));
  if (size.pattern != "2:4") ways.push_back(expanded(size, "n:m", density, context.ideal.metadata ? 0 : place, 0));
  return ways;
}

std::vector<WeightFormat> ways_through(const SpmmSize& size, const LowerContext& context) {
  if (size.pattern == "vnm") return {vnm(size, context.ideal)};
  if (parse_n_of_m(size.pattern)) return n_of_m_ways(size, context);
  std::vector<WeightFormat> ways;
  if (size.pattern == "unstructured")
    for (const char* how : {"tiled", "bitmap"})
      if (size.format.empty() || size.format == how) ways.push_back(unstructured(size, how, context.ideal));
  return ways;
}

/// Why the sparse instructions do not take weights of these sizes, or nothing: rows and columns come in whole granules
/// of 32 bytes (16 values of 16 bits). Source: PyTorch torch/sparse/semi_structured.py, cuSPARSELt constraints.
std::string misfit(const SpmmSize& size, const WeightFormat& way) {
  if (!way.n_of_m || size.pattern == "vnm") return {};
  const auto granule = static_cast<std::int64_t>(32 / Operands(size).dense);
  if (size.n % granule == 0 && size.k % granule == 0) return {};
  return fmt::format("n and k must be multiples of {} (n {}, k {})", granule, size.n, size.k);
}

bool has_kernel(const WeightFormat& way, const std::string& dtype, const Substrate& substrate) {
  return std::any_of(substrate.kernels.begin(), substrate.kernels.end(), [&](const Kernel& kernel) {
    return kernel.op == "gemm" && takes(kernel, way.pattern, dtype) && kernel.name.starts_with(way.kernel) &&
           (way.format.empty() || takes(kernel, way.format, dtype)) &&
           (way.quality.empty() || kernel.quality == way.quality);
  });
}

}  // namespace

SparsitySummary n_of_m_summary(const SpmmSize& size, const Substrate& substrate) {
  const LowerContext context{substrate, {}, 1};
  const std::string& type = operand_types(size.dtype).activations;
  const auto rates = substrate.compute.pipes.tensor.find(type);
  SparsitySummary summary;
  summary.declared = size.sparsity;
  summary.aligned_cache = summary.aligned_dispatch = 0;
  for (const WeightFormat& way : ways_through(size, context)) {
    const double bytes = way.depth_share * way.bytes_share * Operands(size).dense / Operands(size).value;
    summary.aligned_cache = std::max(summary.aligned_cache, (1 - bytes) / size.sparsity);
    const bool unit = way.n_of_m && rates != substrate.compute.pipes.tensor.end();
    const double rate = !unit ? 1 : way.sparse_rate > 0 ? way.sparse_rate : rates->second.sparse.value;
    const double multiplied = std::max(1 - size.sparsity, way.depth_share / std::max(1.0, rate));
    summary.aligned_dispatch = std::max(summary.aligned_dispatch, (1 - multiplied) / size.sparsity);
  }
  return summary;
}

std::vector<Launch> lower_spmm_tiles(const SpmmSize& size, const LowerContext& context, std::string& reason) {
  std::vector<Launch> launches;
  for (const WeightFormat& way : ways_through(size, context)) {
    if (!has_kernel(way, size.dtype, context.substrate)) continue;
    reason = misfit(size, way);
    if (is_n_of_m(size.pattern) && size.transposed)
      reason = "places of N:M weights run along the stored rows, and their transpose has none";
    if (!reason.empty()) continue;
    GemmSize product{.m = size.m,
                     .n = size.n,
                     .k = size.k,
                     .dtype = operand_types(size.dtype).activations,
                     .accumulate = size.accumulate,
                     .weights = way};
    try {
      const auto plans = plan_gemm(product, context.substrate, context.ideal);
      launches.push_back(build_gemm(product, plans.front(), context.substrate, context.ideal));
      launches.back().name = "spmm";
    } catch (const UnsupportedError& error) {
      reason = error.what();
    }
  }
  return launches;
}

}  // namespace sparsesim
