#include "models/ops/dense/elementwise.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/limits.h"

namespace sparsesim {
namespace {

// Tasks of a launch at most, unless one wave alone has more: enough that a wave's tail stays below 3 %.
constexpr double kMostTasks = 4096;

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

double number_of(const MeasuredOp& row, const std::string& name, double fallback) {
  const auto found = row.params.find(name);
  if (found == row.params.end()) return fallback;
  double value = 0;
  const char* end = found->second.data() + found->second.size();
  const auto parsed = std::from_chars(found->second.data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end || !(value >= 0))
    throw UnsupportedError(fmt::format("{}={} is not a number >= 0", name, found->second));
  return value;
}

}  // namespace

const Kernel& find_kernel(const Substrate& substrate, std::string_view op, const std::string& dtype,
                          std::string_view pattern) {
  for (const Kernel& kernel : substrate.kernels)
    if (kernel.op == op && has(kernel.dtypes, dtype) && has(kernel.patterns, pattern)) return kernel;
  throw UnsupportedError(fmt::format("no {} kernel for {} with pattern {} in the kernel library of {}{}", op, dtype,
                                     pattern, substrate.name, known_types(substrate, op, pattern)));
}

double kernel_constant(const Kernel& kernel, const std::string& name) {
  const auto found = kernel.constants.find(name);
  if (found == kernel.constants.end())
    throw UnsupportedError(fmt::format("kernel {} lacks the constant {}", kernel.name, name));
  return found->second;
}

Launch lower_streaming(const StreamingCall& call, const Substrate& substrate) {
  const Compute& compute = substrate.compute;
  Launch launch;
  launch.name = call.name;
  launch.kernel = call.kernel;
  launch.dtype = call.dtype;
  launch.tasks_per_unit =
      std::clamp(compute.threads_per_unit / std::max(1, call.threads), 1, static_cast<int>(compute.tasks_per_unit));
  launch.fixed_seconds = substrate.dispatch.graph_node + substrate.dispatch.grid_start;
  const double slots = static_cast<double>(launch.tasks_per_unit) * compute.units;
  const double merged = std::max(1.0, std::ceil(call.tasks / std::max(slots, kMostTasks)));
  const auto whole = static_cast<std::int64_t>(std::floor(call.tasks / merged));
  const double rest = call.tasks - static_cast<double>(whole) * merged;

  const auto shape_of = [&](double tasks) {
    TaskShape shape;
    shape.steps = static_cast<int>(std::max(1.0, std::ceil(tasks * call.trips)));
    shape.stages = 1;  // each trip waits for the one before
    shape.pipes_overlap = true;
    const double bytes = tasks * call.read_bytes / shape.steps;
    shape.streams.push_back({bytes, bytes, false});
    shape.cycles_per_step[static_cast<int>(Pipe::vector)] = tasks * call.flops / compute.pipes.vector / shape.steps;
    shape.store_bytes = tasks * call.write_bytes;
    return shape;
  };
  launch.shapes.push_back(shape_of(merged));
  launch.tasks.assign(static_cast<std::size_t>(whole), Task{});
  if (rest > 0) {
    launch.shapes.push_back(shape_of(rest));
    Task last;
    last.shape = 1;
    launch.tasks.push_back(last);
  }
  return launch;
}

Launch lower_elementwise(const ElementwiseSize& size, const Substrate& substrate) {
  const Kernel& kernel = find_kernel(substrate, "elementwise", size.dtype, "dense");
  const double bytes = element_bytes(size.dtype);
  const double elements = static_cast<double>(size.elements);
  StreamingCall call;
  call.name = size.name;
  call.kernel = kernel.name;
  call.dtype = size.dtype;
  call.threads = static_cast<int>(kernel_constant(kernel, "threads"));
  call.trips = kernel_constant(kernel, "trips");
  const double total = elements * bytes * std::max(size.reads, size.writes);
  call.tasks = std::max(1.0, std::ceil(total / kernel_constant(kernel, "task_bytes")));
  if (const auto share = kernel.constants.find("share_least_bytes"); share != kernel.constants.end())
    call.tasks = std::max(call.tasks, std::min<double>(substrate.compute.units, std::ceil(total / share->second)));
  call.read_bytes = elements * bytes * size.reads / call.tasks;
  call.write_bytes = elements * bytes * size.writes / call.tasks;
  call.flops = elements * size.flops_per_element / call.tasks;
  return lower_streaming(call, substrate);
}

Launch lower_cache_write(std::int64_t tokens, double elements_per_token, const std::string& dtype,
                         const Substrate& substrate, const std::string& kept) {
  const Kernel& kernel = find_kernel(substrate, "cache_write", dtype, "dense");
  StreamingCall call;
  call.name = "cache write";
  call.kernel = kernel.name;
  call.dtype = dtype;
  call.tasks = static_cast<double>(tokens);
  call.read_bytes = 2 * elements_per_token * element_bytes(dtype);
  call.write_bytes = 2 * elements_per_token * element_bytes(kept.empty() ? dtype : kept);
  call.threads = static_cast<int>(std::clamp(elements_per_token, 32.0, kernel_constant(kernel, "threads_most")));
  call.trips = kernel_constant(kernel, "trips");
  call.flops = 2 * call.threads * kernel_constant(kernel, "thread_ops");  // a lane's rate counts two
  return lower_streaming(call, substrate);
}

Program Elementwise::lower(const LowerContext& context) const {
  if (!pruned()) return lower_dense(context);
  ElementwiseSize left = size_;
  left.elements = std::exchange(left.kept, 0);
  return Elementwise(std::move(left)).lower_dense(context);
}

Program Elementwise::lower_dense(const LowerContext& context) const {
  Stage stage;
  stage.launch = std::make_shared<const Launch>(lower_elementwise(size_, context.substrate));
  Program program;
  program.stages.push_back(std::move(stage));
  return program;
}

SparsitySummary Elementwise::sparsity(const LowerContext&) const {
  SparsitySummary summary;
  if (pruned()) summary.declared = 1 - static_cast<double>(size_.kept) / static_cast<double>(size_.elements);
  return summary;
}

std::unique_ptr<Op> read_elementwise(config::MapReader& map) {
  static constexpr std::array<std::string_view, 7> kTypes = {"fp32", "tf32", "fp16", "bf16", "fp8", "int8", "int4"};
  ElementwiseSize size;
  size.elements = map.integer("elements", 1, std::int64_t{1} << 44);
  size.dtype = map.choice("dtype", kTypes, "bf16");
  size.reads = map.number("reads", config::Range::between(0, 64), size.reads);
  size.writes = map.number("writes", config::Range::between(0, 64), size.writes);
  size.flops_per_element = map.number("flops_per_element", config::Range::between(0, 1e6), size.flops_per_element);
  size.kept = map.integer("kept_elements", 1, std::int64_t{1} << 44, size.elements);
  if (size.kept > size.elements)
    map.mistake("kept_elements", fmt::format("kept_elements is {}, of {} that there are", size.kept, size.elements));
  if (size.reads + size.writes <= 0) map.mistake("reads", "an elementwise pass must read or write something");
  return std::make_unique<Elementwise>(std::move(size));
}

std::unique_ptr<Op> elementwise_from_row(const MeasuredOp& row) {
  if (row.pattern != "dense") throw UnsupportedError("elementwise is dense; the row says pattern " + row.pattern);
  if (row.m < 1 || row.n < 1) throw UnsupportedError("an elementwise row needs m and n");
  require_at_most(static_cast<double>(row.m) * static_cast<double>(row.n), 0x1p44, "elements");
  ElementwiseSize size;
  size.elements = row.m * row.n;
  size.dtype = row.dtype;
  size.reads = number_of(row, "reads", size.reads);
  size.writes = number_of(row, "writes", size.writes);
  size.flops_per_element = number_of(row, "flops_per_element", size.flops_per_element);
  return std::make_unique<Elementwise>(std::move(size));
}

}  // namespace sparsesim
