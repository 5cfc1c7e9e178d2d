#include "models/ops/arrays/array.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "models/ops/dense/gemm_kernels.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

using ArrayMember = double ArrayConstants::*;
constexpr std::array<std::pair<const char*, ArrayMember>, 13> kArrayNames = {{
    {"queue_depth", &ArrayConstants::queue_depth},
    {"run_limit", &ArrayConstants::run_limit},
    {"empty_cycles", &ArrayConstants::empty_cycles},
    {"activation_lanes", &ArrayConstants::activation_lanes},
    {"weight_lanes", &ArrayConstants::weight_lanes},
    {"weight_columns", &ArrayConstants::weight_columns},
    {"distribution_bytes", &ArrayConstants::distribution_bytes},
    {"tree_cycles", &ArrayConstants::tree_cycles},
    {"skips_activations", &ArrayConstants::skips_activations},
    {"skips_weights", &ArrayConstants::skips_weights},
    {"start_cycles", &ArrayConstants::start_cycles},
    {"index_bytes", &ArrayConstants::index_bytes},
    {"dram_share", &ArrayConstants::dram_share},
}};

// Enough for memory and multiplies to overlap but for a 64th.
constexpr int kArraySteps = 64;

double stored_bytes(const SpmmSize& size, const ArrayConstants& constants, const Ideal& ideal) {
  const double weights = real(size.n) * real(size.k);
  if (constants.skips_weights <= 0) return weights * element_bytes(size.dtype);
  const double index = ideal.metadata ? 0 : constants.index_bytes;
  return weights * (1 - size.sparsity) * (element_bytes(size.dtype) + index);
}

}  // namespace

ArrayConstants array_constants(const Kernel& kernel) {
  ArrayConstants constants;
  for (const auto& [name, value] : kernel.constants) {
    const auto row = std::find_if(kArrayNames.begin(), kArrayNames.end(),
                                  [&key = name](const auto& known) { return key == known.first; });
    if (row == kArrayNames.end())
      throw UnsupportedError("kernel " + kernel.name + ": arrays know no constant " + name +
                             " (docs/models/arrays.md)");
    constants.*(row->second) = value;
  }
  for (const ArrayMember least_one : {&ArrayConstants::queue_depth, &ArrayConstants::activation_lanes,
                                      &ArrayConstants::weight_lanes, &ArrayConstants::weight_columns})
    if (constants.*least_one < 1)
      throw UnsupportedError("kernel " + kernel.name + ": depths, lanes and columns of an array are at least 1");
  return constants;
}

Densities seen_densities(const SpmmSize& size, const ArrayConstants& constants) {
  return {constants.skips_weights > 0 ? 1 - size.sparsity : 1,
          constants.skips_activations > 0 ? 1 - size.activation_sparsity : 1};
}

double useful_pairs(const SpmmSize& size) {
  return real(size.m) * real(size.n) * real(size.k) * (1 - size.sparsity) * (1 - size.activation_sparsity);
}

Launch array_launch(const SpmmSize& size, const Kernel& kernel, const std::vector<ElementWork>& elements,
                    double useful_macs, double issued_macs, const LowerContext& context) {
  const ArrayConstants constants = array_constants(kernel);
  const Dispatch& dispatch = context.substrate.dispatch;
  Launch launch;
  launch.name = "spmm";
  launch.kernel = kernel.name;
  launch.dtype = size.dtype;
  launch.persistent = true;
  launch.dram_share = constants.dram_share;
  launch.fixed_seconds = dispatch.graph_node + dispatch.grid_start;
  const double count = real(static_cast<std::int64_t>(elements.size()));
  const double activations = real(size.m) * real(size.k) * element_bytes(size.dtype);
  const double bytes = (stored_bytes(size, constants, context.ideal) + activations) / count / kArraySteps;
  for (const ElementWork& element : elements) {
    TaskShape shape;
    shape.steps = kArraySteps;
    shape.stages = kArraySteps;  // what comes is known beforehand
    shape.cycles_per_step[static_cast<int>(Pipe::tensor)] = element.multiplying / kArraySteps;
    shape.prologue_cycles = constants.start_cycles;
    shape.epilogue_cycles = element.waiting;
    shape.streams.push_back({bytes, bytes, false});
    shape.store_bytes = real(size.m) * real(size.n) * element_bytes(size.dtype) / count;
    shape.useful_macs = useful_macs / count;
    shape.issued_macs = issued_macs / count;
    Task task;
    task.shape = static_cast<std::uint32_t>(launch.shapes.size());
    launch.shapes.push_back(std::move(shape));
    launch.tasks.push_back(task);
  }
  return launch;
}

}  // namespace sparsesim
