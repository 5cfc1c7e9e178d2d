#include "models/ops/weights/spmm_kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/weights/spmm_twin.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

constexpr std::array<std::pair<const char*, double SpmmConstants::*>, 20> kNames = {{
    {"block_n", &SpmmConstants::block_n},
    {"index_bytes", &SpmmConstants::index_bytes},
    {"coordinates", &SpmmConstants::coordinates},
    {"row_bytes", &SpmmConstants::row_bytes},
    {"most_rows", &SpmmConstants::most_rows},
    {"matrix_rows", &SpmmConstants::matrix_rows},
    {"matrix_depth", &SpmmConstants::matrix_depth},
    {"item_cycles", &SpmmConstants::item_cycles},
    {"byte_cycles", &SpmmConstants::byte_cycles},
    {"l1_share", &SpmmConstants::l1_share},
    {"balanced", &SpmmConstants::balanced},
    {"step_latency_cycles", &SpmmConstants::step_latency_cycles},
    {"task_cycles", &SpmmConstants::task_cycles},
    {"prologue_cycles", &SpmmConstants::prologue_cycles},
    {"epilogue_cycles", &SpmmConstants::epilogue_cycles},
    {"halves_cycles", &SpmmConstants::halves_cycles},
    {"dram_share", &SpmmConstants::dram_share},
    {"start_us", &SpmmConstants::start_us},
    {"single_calls", &SpmmConstants::single_calls},
    {"host_us", &SpmmConstants::host_us},
}};

}  // namespace

SpmmConstants spmm_constants(const Kernel& kernel) {
  SpmmConstants constants;
  for (const auto& [name, value] : kernel.constants) {
    const auto row =
        std::find_if(kNames.begin(), kNames.end(), [&key = name](const auto& r) { return key == r.first; });
    if (row == kNames.end())
      throw UnsupportedError("kernel " + kernel.name + ": spmm knows no constant " + name + " (docs/models/spmm.md)");
    constants.*(row->second) = value;
  }
  return constants;
}

OperandTypes operand_types(const std::string& dtype) {
  const std::size_t cross = dtype.find('x');
  if (cross == std::string::npos) return {dtype, dtype, 1};
  OperandTypes types{dtype.substr(0, cross), dtype.substr(cross + 1), 1};
  // Narrower weights are widened on their way to the multiply.
  types.halves = std::max(1.0, weight_bytes(types.weights) / element_bytes(types.activations));
  return types;
}

double weight_bytes(const std::string& dtype) { return dtype == "int16" ? 2 : element_bytes(dtype); }

double unit_bytes(const SpmmSize& size, const SpmmConstants& constants, double density, const Ideal& ideal) {
  const double values =
      static_cast<double>(size.block_n * size.block_k) * weight_bytes(operand_types(size.dtype).weights);
  if (ideal.metadata) return values;
  const double index = constants.coordinates * (size.index_bits > 0 ? size.index_bits / 8.0 : constants.index_bytes);
  if (size.index_bits != 8) return values + index;
  const double further = std::pow(1 - density, 255);
  return (values + index) / std::max(1 - further, 1e-6);
}

Launch start_spmm_launch(const SpmmSize& size, const Kernel& kernel, const SpmmConstants& constants,
                         const LowerContext& context) {
  const Dispatch& dispatch = context.substrate.dispatch;
  Launch launch;
  launch.name = "spmm";
  launch.kernel = kernel.name;
  launch.dtype = operand_types(size.dtype).activations;
  launch.tasks_per_unit = kernel.tasks_per_unit;
  launch.persistent = kernel.persistent;
  launch.dram_share = constants.dram_share;
  launch.fixed_seconds = dispatch.graph_node + dispatch.grid_start + constants.start_us * 1e-6;
  launch.fixed_seconds += host_call_seconds(size, kernel, context.substrate, false);
  if (size.timed_call) launch.host_seconds = constants.host_us * 1e-6;
  return launch;
}

void add_multiplies(TaskShape& shape, const SpmmSize& size, const SpmmConstants& constants, double macs,
                    const Substrate& substrate) {
  const Pipes& pipes = substrate.compute.pipes;
  auto& cycles = shape.cycles_per_step;
  if (constants.matrix_rows <= 0) {
    cycles[static_cast<int>(Pipe::vector)] += 2 * macs / pipes.vector;
    return;
  }
  // Matrix units take single precision as TF32.
  const std::string activations = operand_types(size.dtype).activations;
  const std::string type = activations == "fp32" ? "tf32" : activations;
  const auto rate = pipes.tensor.find(type);
  if (rate == pipes.tensor.end()) throw UnsupportedError(substrate.name + " has no matrix rate for " + type);
  const double full = rate->second.dense * pipes.tensor_sustained;
  const double share = size.accumulate == "fp32" ? fp32_share(rate->second) : 1;
  cycles[static_cast<int>(Pipe::tensor)] += 2 * macs / (full * share);
}

}  // namespace sparsesim
