#include "models/ops/weights/spmm.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>

#include "models/compute/player.h"
#include "models/ops/arrays/array_dataflows.h"
#include "models/ops/cores/core_spmm.h"
#include "models/ops/dense/gemm.h"
#include "models/ops/limits.h"
#include "models/ops/weights/spmm_finer.h"
#include "models/ops/weights/spmm_kernels.h"
#include "models/ops/weights/spmm_rows.h"
#include "models/ops/weights/spmm_scatter.h"
#include "models/ops/weights/spmm_tiles.h"
#include "models/ops/weights/spmm_twin.h"

namespace sparsesim {
namespace {

constexpr double kRowsMost = 1 << 24;  // of units: 4 bytes each for their counts

/// How a kernel goes through the weights: its op in the kernel library.
struct Method {
  std::string_view op;
  Launch (*lower)(const SpmmSize&, const Kernel&, const LowerContext&);
};
constexpr std::array<Method, 5> kMethods = {{{"spmm_rows", lower_spmm_rows},
                                             {"spmm_scatter", lower_spmm_scatter},
                                             {"array_columns", lower_array_columns},
                                             {"array_outer", lower_array_outer},
                                             {"array_stationary", lower_array_stationary}}};

const Method* find_method(const Kernel& kernel) {
  for (const Method& method : kMethods)
    if (method.op == kernel.op) return &method;
  return nullptr;
}

/// A constant of a kernel that says what it takes: absent ones take anything.
bool agrees(const Kernel& kernel, const char* constant, double least, double value) {
  const auto found = kernel.constants.find(constant);
  return found == kernel.constants.end() || found->second.value <= 0 ||
         (value >= least && value <= found->second.value);
}

bool fits(const Kernel& kernel, const SpmmSize& size) {
  if (!takes(kernel, size.pattern, size.dtype) || !kernel.name.starts_with(size.kernel)) return false;
  if (!size.quality.empty() && kernel.quality != size.quality) return false;
  const auto height = kernel.constants.find("block_n");
  const double written_for = height == kernel.constants.end() ? 0 : height->second.value;
  return agrees(kernel, "block_n", written_for, static_cast<double>(size.block_n)) &&
         agrees(kernel, "most_rows", 1, static_cast<double>(size.m)) &&
         reads_format(kernel, size.pattern, size.format, size.transposed);
}

/// What was asked for, as messages name it.
std::string wanted(const SpmmSize& size) {
  std::string text;
  for (const std::string& word : {size.quality, size.format})
    if (!word.empty()) text += word + " ";
  return text;
}

/// " called NAME", with the nearest name of the library where none begins so.
std::string called(const std::string& kernel, const Substrate& substrate) {
  if (kernel.empty()) return "";
  std::vector<std::string> families;
  bool begins = false;
  for (const Kernel& known : substrate.kernels) {
    families.push_back(known.name.substr(0, known.name.find('_')));
    begins = begins || known.name.starts_with(kernel);
  }
  const std::string near = begins ? "" : config::nearest(kernel, families);
  return fmt::format(" called \"{}\"{}", kernel, near.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", near));
}

bool is_for_the_block(const Kernel& kernel) { return kernel.constants.contains("block_n"); }

/// The kernels that walk stored units and can run it. Where some are written for the block, those for any block stand
/// back; and nobody takes a naive kernel who does not ask for it, unless there is no other.
std::vector<const Kernel*> walking_kernels(const SpmmSize& size, const Substrate& substrate, bool naive) {
  std::vector<const Kernel*> kernels;
  for (const Kernel& kernel : substrate.kernels) {
    const bool unasked = kernel.quality == "naive" && size.quality.empty() && size.kernel.empty();
    if (find_method(kernel) && fits(kernel, size) && unasked == naive) kernels.push_back(&kernel);
  }
  if (std::any_of(kernels.begin(), kernels.end(), [](const Kernel* kernel) { return is_for_the_block(*kernel); }))
    std::erase_if(kernels, [](const Kernel* kernel) { return !is_for_the_block(*kernel); });
  return kernels;
}

/// A measured row names the kernel that ran. One that the machine's library lacks is stood in for by the best of its
/// quality, whatever its format, or by the best of any.
SpmmSize with_known_kernel(SpmmSize size, const Substrate& substrate) {
  const auto has = [&](auto&& wanted) {
    return std::any_of(substrate.kernels.begin(), substrate.kernels.end(),
                       [&](const Kernel& kernel) { return takes(kernel, size.pattern, size.dtype) && wanted(kernel); });
  };
  const auto named = [&](const Kernel& kernel) { return kernel.name.starts_with(size.kernel); };
  const auto reads = [&](const Kernel& kernel) {
    return named(kernel) && reads_format(kernel, size.pattern, size.format, size.transposed);
  };
  if (!size.timed_call || has(reads)) return size;
  size.format.clear();
  if (has(named)) return size;  // its format is its own, whatever the row calls it
  size.kernel.clear();
  if (!has([&](const Kernel& kernel) { return kernel.quality == size.measured_quality; })) return size;
  size.quality = size.measured_quality;
  return size;
}

/// The product as it stands, and in finer units; a published time is that of a kernel for the unit itself.
std::vector<SpmmSize> views(SpmmSize size, const LowerContext& context) {
  const bool draws = size.mask.units.empty() && !size.transposed && !is_n_of_m(size.pattern);
  if (draws) size.drawn = size.row_counts(context.seed);
  std::vector<SpmmSize> all = {size};
  if (size.timed_call) return all;
  for (const Unit unit : finer_units(size, context.substrate))
    all.push_back(in_finer_units(size, unit, size.row_counts(context.seed)));
  return all;
}

/// The view as the kernel finds it stored: where its only format is Blocked-ELL, every row is as long as the longest.
SpmmSize stored_for(const Kernel& kernel, SpmmSize view) {
  if (view.format.empty() && takes(kernel, "blocked_ell", view.dtype) && !takes(kernel, "bsr", view.dtype)) {
    view.format = "blocked_ell";
    view.drawn = padded_to_longest(view.drawn);
  }
  return view;
}

/// All launches that the library has for the product.
std::vector<Launch> candidates(const SpmmSize& size, const LowerContext& context) {
  std::string reason;
  std::exception_ptr too_large;  // of one kernel; another may have larger tiles
  std::vector<Launch> launches;
  const std::vector<SpmmSize> all = views(size, context);
  for (const SpmmSize& view : all) {
    std::string why;
    for (Launch& launch : lower_spmm_tiles(view, context, why)) launches.push_back(std::move(launch));
    if (&view == &all.front()) reason = why;
  }
  for (const bool naive : {false, true}) {
    for (const SpmmSize& view : all) {
      for (const Kernel* kernel : walking_kernels(view, context.substrate, naive)) {
        try {
          launches.push_back(find_method(*kernel)->lower(stored_for(*kernel, view), *kernel, context));
        } catch (const UnsupportedError& error) {
          reason = error.what();
        } catch (const TooLargeError&) {
          too_large = std::current_exception();
        }
      }
    }
    if (!launches.empty()) return launches;
  }
  if (too_large) std::rethrow_exception(too_large);
  throw UnsupportedError(fmt::format("no {}spmm kernel{} for {}{} weights in {} on {}{}", wanted(size),
                                     called(size.kernel, context.substrate), size.transposed ? "transposed " : "",
                                     size.pattern, size.dtype, context.substrate.name,
                                     reason.empty() ? "" : ": " + reason));
}

/// The same on cores, whose kernels take any unit.
std::vector<Launch> candidates_on_cores(const SpmmSize& size, const LowerContext& context) {
  std::vector<Launch> launches;
  std::exception_ptr error;  // of the product as it stands
  for (const SpmmSize& view : views(size, context)) {
    try {
      launches.push_back(lower_cores_spmm(view, context));
    } catch (const UnsupportedError&) {
      if (!error) error = std::current_exception();
    }
  }
  if (launches.empty()) std::rethrow_exception(error);
  return launches;
}

/// No schedule of the launch is shorter: what its pipes, L2 and DRAM need at their full rates.
double least_seconds(const Launch& launch, const Substrate& substrate) {
  std::vector<double> tasks(launch.shapes.size());
  for (const Task& task : launch.tasks) tasks[task.shape] += 1;
  std::array<double, kPipes> cycles{};
  double l2 = 0, stores = 0;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const TaskShape& shape = launch.shapes[i];
    for (std::size_t pipe = 0; pipe < cycles.size(); ++pipe)
      cycles[pipe] += tasks[i] * shape.steps * shape.cycles_per_step[pipe];
    for (const Stream& stream : shape.streams) l2 += tasks[i] * shape.steps * stream.bytes_per_step * stream.l2_share;
    stores += tasks[i] * shape.store_bytes;
    l2 += tasks[i] * (shape.store_bytes + 2 * shape.scratch_bytes);
  }
  const double pipe =
      *std::max_element(cycles.begin(), cycles.end()) / substrate.compute.units / substrate.compute.clock;
  return std::max({pipe, l2 / substrate.memory.l2_bandwidth, stores / substrate.memory.dram_achieved});
}

/// The launch that ends first: kernels of different making cannot be compared by a formula. Those whose bound is above
/// the best time so far need no playing.
Launch fastest(std::vector<Launch> launches, const LowerContext& context, LaunchMemo* memo) {
  if (launches.size() == 1) return std::move(launches.front());
  std::vector<std::pair<double, std::size_t>> by_bound;
  for (std::size_t i = 0; i < launches.size(); ++i) {
    const double fixed = context.ideal.fixed_cost ? 0 : launches[i].fixed_seconds;
    by_bound.emplace_back(least_seconds(launches[i], context.substrate) + fixed, i);
  }
  std::sort(by_bound.begin(), by_bound.end());
  std::size_t best = by_bound.front().second;
  Time least = play(launches[best], context.substrate, context.ideal, memo).time;
  for (std::size_t i = 1; i < by_bound.size() && by_bound[i].first < least.seconds(); ++i) {
    const Time time = play(launches[by_bound[i].second], context.substrate, context.ideal, memo).time;
    if (time >= least) continue;
    least = time;
    best = by_bound[i].second;
  }
  return std::move(launches[best]);
}

Program one_launch(Launch launch) {
  Stage stage;
  stage.launch = std::make_shared<const Launch>(std::move(launch));
  Program program;
  program.stages.push_back(std::move(stage));
  return program;
}

}  // namespace

RowCounts SpmmSize::row_counts(std::uint64_t seed) const {
  if (!mask.units.empty() && mask_counts_inputs())
    throw UnsupportedError("the mask counts the inputs of the product, and this kernel walks its outputs");
  const std::int64_t rows = n / block_n, columns = k / block_k;
  require_at_most(static_cast<double>(rows), kRowsMost, "rows of sparse weights");
  if (!drawn.units.empty()) return drawn;
  RowCounts counts = !mask.units.empty() ? mask
                     : equal_rows        ? equal_row_counts(rows, columns, 1 - sparsity)
                                         : random_row_counts(rows, columns, 1 - sparsity, seed);
  return format == "blocked_ell" ? padded_to_longest(std::move(counts)) : counts;
}

RowCounts SpmmSize::column_counts(std::uint64_t seed) const {
  if (!mask.units.empty()) {
    if (mask_counts_inputs()) return mask;
    throw UnsupportedError("the mask counts the outputs of the product, and this kernel walks its inputs");
  }
  const std::int64_t rows = n / block_n, columns = k / block_k;
  require_at_most(static_cast<double>(columns), kRowsMost, "columns of sparse weights");
  return random_row_counts(columns, rows, 1 - sparsity, seed);
}

Program Spmm::lower(const LowerContext& context) const {
  if (on_cores(context.substrate)) return one_launch(fastest(candidates_on_cores(size_, context), context, memo_));
  Launch launch = fastest(candidates(with_known_kernel(size_, context.substrate), context), context, memo_);
  launch.fixed_seconds += setup_seconds(size_.setup, context.substrate);
  return one_launch(std::move(launch));
}

Program Spmm::lower_dense(const LowerContext& context) const {
  const auto kernels = walking_kernels(with_known_kernel(size_, context.substrate), context.substrate, false);
  return one_launch(lower_dense_twin(size_, kernels.empty() ? nullptr : kernels.front(), context));
}

/// Stored weights without their indices; of a mask, whose units are not counted here, none.
double Spmm::held_bytes(bool dense) const {
  const double m = static_cast<double>(size_.m), n = static_cast<double>(size_.n), k = static_cast<double>(size_.k);
  double stored = size_.mask.units.empty() ? 1 - size_.sparsity : 0;
  if (parse_n_of_m(size_.pattern)) stored = static_cast<double>(size_.n_kept) / size_.n_of;
  if (size_.pattern == "vnm") stored = 0;
  const OperandTypes types = operand_types(size_.dtype);
  const double activation = element_bytes(types.activations);
  return (m * k + m * n) * activation + n * k * (dense ? activation : stored * weight_bytes(types.weights));
}

SparsitySummary Spmm::sparsity(const LowerContext& context) const {
  if (is_n_of_m(size_.pattern)) return n_of_m_summary(size_, context.substrate);
  SparsitySummary summary;
  SpmmSize exact = size_;
  exact.format.clear();  // without the padding of a format
  if (!exact.mask.units.empty())
    summary.declared = 1 - exact.mask.density();
  else
    summary.declared = 1 - exact.row_counts(context.seed).density();
  // A zero is free in memory if its line holds no stored unit of its row.
  const double line = context.substrate.memory.line, bytes = size_.dtype == "fp32" ? 4 : 2;
  const double units_per_line = std::max(1.0, line / (bytes * static_cast<double>(size_.block_k)));
  summary.aligned_cache = std::pow(summary.declared, units_per_line - 1);
  return summary;
}

}  // namespace sparsesim
