// Masked vector products: which tile a tuned library takes, and what its tasks read.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/dynamic/activation.h"
#include "models/ops/limits.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

/// Constants of a masked kernel as docs/models/activation.md names them.
struct MaskedConstants {
  double most_rows = 1;        // rows of activations that it takes at most
  double convert_ops = 0;      // of the vector pipe per weight, besides one multiply-add per row
  double prologue_cycles = 0;  // address arithmetic and comparison, besides the trip for the activations
  double epilogue_cycles = 0;
  double atomic_bytes = 0;  // of L2 traffic per sum added to an output
  double dram_share = 1;    // of the best streaming bandwidth, for pieces of rows of tile_n weights
  double start_us = 0;
};

constexpr std::array<std::pair<const char*, double MaskedConstants::*>, 7> kNames = {{
    {"most_rows", &MaskedConstants::most_rows},
    {"convert_ops", &MaskedConstants::convert_ops},
    {"prologue_cycles", &MaskedConstants::prologue_cycles},
    {"epilogue_cycles", &MaskedConstants::epilogue_cycles},
    {"atomic_bytes", &MaskedConstants::atomic_bytes},
    {"dram_share", &MaskedConstants::dram_share},
    {"start_us", &MaskedConstants::start_us},
}};

MaskedConstants constants_of(const Kernel& kernel) {
  MaskedConstants constants;
  for (const auto& [name, value] : kernel.constants) {
    const auto row =
        std::find_if(kNames.begin(), kNames.end(), [&key = name](const auto& r) { return key == r.first; });
    if (row == kNames.end())
      throw UnsupportedError(
          fmt::format("kernel {}: masked products know no constant {} (docs/models/activation.md)", kernel.name, name));
    constants.*(row->second) = value;
  }
  return constants;
}

bool fits(const Kernel& kernel, const ActivationSize& size) {
  return kernel.op == "activation_gemv" && takes(kernel, "activation", size.dtype) &&
         kernel.name.starts_with(size.kernel) && static_cast<double>(size.m) <= constants_of(kernel).most_rows;
}

/// Tasks and the seconds that the tuner would measure, roughly: memory, or waves of two trips each.
struct Choice {
  const Kernel* kernel = nullptr;
  std::int64_t tiles_n = 0, blocks = 0;
  double seconds = 0;
};

Choice estimate(const Kernel& kernel, const ActivationSize& size, const Substrate& substrate) {
  Choice choice{&kernel, ceil_div(size.n, kernel.tile_n), ceil_div(size.k, kernel.tile_k), 0};
  const MaskedConstants constants = constants_of(kernel);
  const Memory& memory = substrate.memory;
  const double tasks = static_cast<double>(choice.tiles_n) * static_cast<double>(choice.blocks);
  const double slots = static_cast<double>(substrate.compute.units) * kernel.tasks_per_unit;
  const double bytes = size.union_share() * static_cast<double>(size.k) * static_cast<double>(size.n) *
                       element_bytes(size.dtype) / constants.dram_share;
  const double sums = tasks * kernel.tile_n * static_cast<double>(size.m) * constants.atomic_bytes;
  choice.seconds = std::max(bytes / memory.dram_achieved, std::ceil(tasks / slots) * 2 * memory.dram_latency) +
                   sums / memory.l2_bandwidth;
  return choice;
}

class MaskedLowering {
 public:
  MaskedLowering(const ActivationSize& size, const Choice& choice, const LowerContext& context)
      : size_(size),
        choice_(choice),
        kernel_(*choice.kernel),
        substrate_(context.substrate),
        seed_(context.seed),
        constants_(constants_of(kernel_)) {}

  Launch lower() {
    require_at_most(static_cast<double>(choice_.tiles_n) * static_cast<double>(choice_.blocks), kTasksMost,
                    "tasks of a masked product");
    Launch launch;
    launch.name = "activation_gemv";
    launch.kernel = kernel_.name;
    launch.dtype = size_.dtype;
    launch.tasks_per_unit = kernel_.tasks_per_unit;
    launch.persistent = kernel_.persistent;
    launch.dram_share = constants_.dram_share;
    launch.fixed_seconds = substrate_.dispatch.graph_node + substrate_.dispatch.grid_start + constants_.start_us * 1e-6;
    const auto needed = size_.needed_per_block(kernel_.tile_k, seed_);
    for (std::int64_t block = 0; block < choice_.blocks; ++block)
      for (std::int64_t tile = 0; tile < choice_.tiles_n; ++tile) {
        Task task;
        task.shape = shape_of(launch, needed[static_cast<std::size_t>(block)], tile + 1 == choice_.tiles_n);
        launch.tasks.push_back(task);
      }
    return launch;
  }

 private:
  std::uint32_t shape_of(Launch& launch, std::int64_t channels, bool edge) {
    const auto [entry, fresh] = known_.try_emplace({channels, edge}, static_cast<std::uint32_t>(launch.shapes.size()));
    if (fresh) launch.shapes.push_back(make_shape(static_cast<double>(channels), edge));
    return entry->second;
  }

  /// Reads its activations first, then the needed pieces of rows all at once, then adds its sums to the outputs.
  TaskShape make_shape(double channels, bool edge) const {
    const Memory& memory = substrate_.memory;
    const double columns = edge ? static_cast<double>(size_.n - (choice_.tiles_n - 1) * kernel_.tile_n)
                                : static_cast<double>(kernel_.tile_n);
    const double rows = static_cast<double>(size_.m), piece = columns * element_bytes(size_.dtype);
    TaskShape shape;
    shape.steps = channels > 0 ? 1 : 0;
    shape.stages = kernel_.stages;
    shape.streams.push_back({channels * piece, channels * round_up(piece, memory.sector), false});
    const double trip = 0.5 * (memory.l2_near_latency + memory.l2_far_latency) * substrate_.compute.clock;
    shape.prologue_cycles = constants_.prologue_cycles + trip;
    shape.epilogue_cycles = constants_.epilogue_cycles;
    shape.cycles_per_step[static_cast<int>(Pipe::vector)] =
        channels * columns * (2 * rows + constants_.convert_ops) / substrate_.compute.pipes.vector;
    shape.scratch_bytes = rows * columns * constants_.atomic_bytes;
    shape.issued_macs = channels * columns * rows;
    shape.useful_macs = shape.issued_macs * (1 - size_.sparsity) / std::max(size_.union_share(), 1e-12);
    return shape;
  }

  const ActivationSize& size_;
  const Choice choice_;
  const Kernel& kernel_;
  const Substrate& substrate_;
  const std::uint64_t seed_;
  const MaskedConstants constants_;
  std::map<std::pair<std::int64_t, bool>, std::uint32_t> known_;
};

}  // namespace

bool has_masked_kernel(const ActivationSize& size, const Substrate& substrate) {
  return std::any_of(substrate.kernels.begin(), substrate.kernels.end(),
                     [&](const Kernel& kernel) { return fits(kernel, size); });
}

Launch lower_masked_product(const ActivationSize& size, const LowerContext& context) {
  Choice best;
  for (const Kernel& kernel : context.substrate.kernels) {
    if (!fits(kernel, size)) continue;
    const Choice choice = estimate(kernel, size, context.substrate);
    if (!best.kernel || choice.seconds < best.seconds) best = choice;
  }
  if (!best.kernel)
    throw UnsupportedError(fmt::format("no masked kernel for {} rows of activations in {} on {}", size.m, size.dtype,
                                       context.substrate.name));
  return MaskedLowering(size, best, context).lower();
}

}  // namespace sparsesim
