#include <algorithm>
#include <cmath>
#include <map>

#include "models/ops/constant_bounds.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm_kernels.h"
#include "models/ops/gathers/retrieval.h"
#include "models/ops/limits.h"

namespace sparsesim {
namespace {

constexpr double kKeptBytes = 12;  // distance and 64-bit number of a vector

/// The scan of one list of `vectors` by one query.
TaskShape scan_shape(const IvfSize& size, double vectors, const Kernel& kernel, const Substrate& substrate) {
  const double dim = static_cast<double>(size.dim), pipe = substrate.compute.pipes.vector;
  TaskShape shape;
  shape.steps = step_count(std::ceil(vectors / std::max(1, kernel.tile_n)), "steps of a list");
  shape.stages = kernel.stages;
  const double per_step = vectors / std::max(1, shape.steps);
  const double bytes = per_step * dim * element_bytes(size.dtype);
  shape.streams.push_back({bytes, bytes, true});
  const double distance = 2 * dim / (pipe * constant_at_least(kernel, "vector_share", kLeastShare));
  shape.cycles_per_step[static_cast<int>(Pipe::vector)] =
      per_step * (distance + kernel_constant(kernel, "select_cycles"));
  shape.prologue_cycles = kernel_constant(kernel, "trips") * substrate.memory.l2_far_latency * substrate.compute.clock;
  shape.store_bytes = kKeptBytes * std::min(vectors, static_cast<double>(size.top_k));
  shape.useful_macs = shape.issued_macs = vectors * dim;
  return shape;
}

}  // namespace

Launch lower_list_scan(const IvfSize& size, const Probes& probes, const Substrate& substrate) {
  const Kernel& kernel = find_kernel(substrate, "list_scan", size.dtype, "inverted_lists");
  Launch launch;
  launch.name = "list scan";
  launch.kernel = kernel.name;
  launch.dtype = "fp32";
  launch.tasks_per_unit = kernel.tasks_per_unit;
  launch.fixed_seconds = substrate.dispatch.graph_node + substrate.dispatch.grid_start;
  launch.dram_share = constant_at_least(kernel, "dram_share", kLeastShare);
  std::map<std::int64_t, std::uint32_t> shapes;   // by the size of a list
  std::map<std::uint32_t, std::uint32_t> panels;  // probed lists, numbered in the order of their first probe
  launch.tasks.reserve(probes.chosen.size());
  for (const std::uint32_t list : probes.chosen) {
    const std::int64_t vectors = probes.sizes[list];
    const auto [shape, fresh] = shapes.try_emplace(vectors, static_cast<std::uint32_t>(launch.shapes.size()));
    if (fresh) launch.shapes.push_back(scan_shape(size, static_cast<double>(vectors), kernel, substrate));
    const auto panel = panels.try_emplace(list, static_cast<std::uint32_t>(panels.size())).first->second;
    launch.tasks.push_back({.shape = shape->second, .panel = {panel, 0, 0}});
  }
  return launch;
}

Launch lower_top_k(double scores, double kept, const std::string& dtype, const Substrate& substrate) {
  const Kernel& kernel = find_kernel(substrate, "top_k", dtype, "dense");
  ElementwiseSize pass;
  pass.name = "top k";
  pass.elements = static_cast<std::int64_t>(scores);
  pass.dtype = element_bytes(dtype) < 2 ? "fp16" : dtype;  // products of 8-bit types are written in 16
  pass.writes = kept * kKeptBytes / (scores * element_bytes(pass.dtype));
  pass.flops_per_element = kernel_constant(kernel, "flops_per_score");
  Launch launch = lower_elementwise(pass, substrate);
  launch.kernel = kernel.name;
  return launch;
}

}  // namespace sparsesim
