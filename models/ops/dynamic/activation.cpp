#include "models/ops/dynamic/activation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "models/ops/attention/index_passes.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm.h"
#include "models/ops/limits.h"
#include "sim/core/random.h"

namespace sparsesim {
namespace {

constexpr double kChannelsMost = 1 << 24;  // one draw each

constexpr std::array<std::string_view, 4> kSources = {"relu", "threshold", "top_k", "predicted"};

void add_stage(Program& program, Launch launch, const char* name) {
  launch.name = name;
  program.stages.emplace_back().launch = std::make_shared<const Launch>(std::move(launch));
}

/// What must be known before the product can leave anything out.
void add_choice(Program& program, const ActivationSize& size, const LowerContext& context) {
  const Substrate& substrate = context.substrate;
  if (size.source == ActivationSource::predicted) {
    add_stage(program,
              lower_gemm(size.m, size.predictor_rank, size.predictor_inputs, size.dtype, substrate, context.ideal),
              "predictor_down");
    add_stage(program, lower_gemm(size.m, size.k, size.predictor_rank, size.dtype, substrate, context.ideal),
              "predictor_up");
  }
  if (size.source == ActivationSource::top_k) {
    const auto kept = static_cast<std::int64_t>(std::llround((1 - size.sparsity) * static_cast<double>(size.k)));
    add_stage(program, lower_select(size.m, size.k, kept, size.dtype, "activation", substrate), "activation_select");
  }
}

/// Many rows: a list of the needed channels, activations packed by it, and a tiled product over gathered rows of
/// weights.
void add_gathered_product(Program& program, const ActivationSize& size, const LowerContext& context) {
  const Substrate& substrate = context.substrate;
  const Kernel& kernel = find_kernel(substrate, "activation_gather", size.dtype, "activation");
  if (!kernel.name.starts_with(size.kernel))
    throw UnsupportedError(fmt::format("no {} kernel for {} rows of sparse activations in {} on {}", size.kernel,
                                       size.m, size.dtype, substrate.name));
  const std::int64_t kept = std::max<std::int64_t>(1, size.needed_per_block(size.k, context.seed).front());
  if (!context.ideal.metadata) {
    add_stage(program, lower_compact(size.k, size.m, kept, size.dtype, "activation", substrate), "activation_compact");
    add_stage(program, lower_gather_rows("pack", kept, size.m, size.dtype, substrate), "activation_pack");
  }
  GemmSize product{.m = size.m, .n = size.n, .k = size.k, .dtype = size.dtype};
  product.weights.depth_share = static_cast<double>(kept) / static_cast<double>(size.k);
  product.weights.useful_share = (1 - size.sparsity) / std::max(size.union_share(), 1e-12);
  Launch launch = lower_gemm(product, substrate, context.ideal);
  launch.kernel += "_gathered";
  launch.dram_share *= kernel_constant(kernel, "dram_share");
  add_stage(program, std::move(launch), "activation_gemm");
}

ActivationSource source_named(std::string_view name) {
  return static_cast<ActivationSource>(std::find(kSources.begin(), kSources.end(), name) - kSources.begin());
}

double number_param(const MeasuredOp& row, const std::string& name, double low, double high, double fallback) {
  const auto found = row.params.find(name);
  if (found == row.params.end()) return fallback;
  double value = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= low && value <= high))
    throw UnsupportedError(fmt::format("{}={} is not a number from {} to {}", name, text, low, high));
  return value;
}

}  // namespace

double ActivationSize::union_share() const {
  return 1 - (overlap * sparsity + (1 - overlap) * std::pow(sparsity, static_cast<double>(m)));
}

std::vector<std::int64_t> ActivationSize::needed_per_block(std::int64_t block, std::uint64_t seed) const {
  require_at_most(static_cast<double>(k), kChannelsMost, "channels of activations");
  RandomStream random(seed, "activation");
  const double share = union_share();
  auto left = static_cast<std::int64_t>(std::llround(share * static_cast<double>(k)));
  std::vector<std::int64_t> needed(static_cast<std::size_t>((k + block - 1) / block));
  for (std::int64_t channel = 0; channel < k; ++channel) {
    // With a fixed sum a channel is drawn from those that are left; otherwise each stands alone.
    const bool chosen = source == ActivationSource::top_k ? random.below(k - channel) < left : random.chance(share);
    if (!chosen) continue;
    left -= 1;
    needed[static_cast<std::size_t>(channel / block)] += 1;
  }
  return needed;
}

Program ActivationGemm::lower(const LowerContext& context) const {
  const Substrate& substrate = context.substrate;
  Program program;
  if (!context.ideal.metadata) add_choice(program, size_, context);
  if (!has_masked_kernel(size_, substrate)) {
    add_gathered_product(program, size_, context);
    return program;
  }
  // Tasks add to the outputs, which must be zero before.
  add_stage(program,
            lower_elementwise({.elements = pass_elements(static_cast<double>(size_.m) * static_cast<double>(size_.n)),
                               .dtype = size_.dtype,
                               .reads = 0,
                               .flops_per_element = 0},
                              substrate),
            "activation_zero");
  add_stage(program, lower_masked_product(size_, context), "activation_gemv");
  return program;
}

Program ActivationGemm::lower_dense(const LowerContext& context) const {
  Program program;
  add_stage(program, lower_gemm(size_.m, size_.n, size_.k, size_.dtype, context.substrate, context.ideal), "gemm");
  return program;
}

SparsitySummary ActivationGemm::sparsity(const LowerContext&) const {
  SparsitySummary summary;
  summary.declared = size_.sparsity;
  if (size_.sparsity <= 0) return summary;
  // A channel's weights are whole lines: what no row needs is free everywhere, what one row needs is free nowhere.
  summary.aligned_cache = summary.aligned_dispatch = std::min(1.0, (1 - size_.union_share()) / size_.sparsity);
  return summary;
}

std::unique_ptr<Op> read_activation(config::MapReader& map) {
  static constexpr std::array<std::string_view, 3> kTypes = {"fp16", "bf16", "fp32"};
  ActivationSize size;
  size.m = map.integer("m", 1, kExtentMost);
  size.n = map.integer("n", 1, kExtentMost);
  size.k = map.integer("k", 1, kExtentMost);
  size.dtype = map.choice("dtype", kTypes, "fp16");
  size.sparsity = map.number("sparsity", config::Range::between(0, 1));
  size.source = source_named(map.choice("source", kSources, "threshold"));
  size.overlap = map.number("overlap", config::Range::between(0, 1), 0);
  size.kernel = map.text("kernel", "");
  if (size.source == ActivationSource::predicted) {
    size.predictor_rank = map.integer("predictor_rank", 1, kExtentMost);
    size.predictor_inputs = map.integer("predictor_inputs", 1, kExtentMost, size.n);
  }
  return std::make_unique<ActivationGemm>(std::move(size));
}

std::unique_ptr<Op> activation_from_row(const MeasuredOp& row) {
  if (row.m < 1 || row.n < 1 || row.k < 1) throw UnsupportedError("an activation_gemm row needs m, n and k");
  if (!row.sparsity) throw UnsupportedError("an activation_gemm row needs its sparsity");
  for (const std::int64_t side : {row.m, row.n, row.k})
    require_at_most(static_cast<double>(side), 0x1p31, "elements along one side");
  ActivationSize size;
  size.m = row.m;
  size.n = row.n;
  size.k = row.k;
  size.dtype = row.dtype;
  size.sparsity = *row.sparsity;
  const auto source = row.params.find("source");
  if (source != row.params.end()) {
    if (std::find(kSources.begin(), kSources.end(), source->second) == kSources.end())
      throw UnsupportedError(fmt::format("source={} is none of relu, threshold, top_k, predicted", source->second));
    size.source = source_named(source->second);
  }
  size.overlap = number_param(row, "overlap", 0, 1, 0);
  const double most = static_cast<double>(kExtentMost);
  size.predictor_rank = static_cast<std::int64_t>(number_param(row, "predictor_rank", 1, most, 0));
  size.predictor_inputs =
      static_cast<std::int64_t>(number_param(row, "predictor_inputs", 1, most, static_cast<double>(row.n)));
  if (size.source == ActivationSource::predicted && size.predictor_rank < 1)
    throw UnsupportedError("source=predicted needs predictor_rank");
  return std::make_unique<ActivationGemm>(std::move(size));
}

}  // namespace sparsesim
