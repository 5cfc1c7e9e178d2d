#include "models/ops/structured/structured_batch.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "models/ops/dense/gemm.h"
#include "models/ops/limits.h"

namespace sparsesim {
namespace {

std::int64_t tiles_along(std::int64_t size, int tile) { return (size + tile - 1) / tile; }

/// Tiles of all products over those of one product as large as all of them.
double waste(const GemmPlan& plan, std::int64_t count, const GemmSize& size) {
  return static_cast<double>(count * tiles_along(size.n, plan.kernel->tile_n)) / static_cast<double>(plan.tiles_n);
}

GemmPlan best_plan(std::int64_t count, const GemmSize& size, const Substrate& substrate, const Ideal& ideal) {
  GemmSize all = size;
  all.n *= count;
  std::vector<GemmPlan> plans = plan_gemm(all, substrate, ideal);
  std::erase_if(plans, [](const GemmPlan& plan) { return plan.splits > 1; });
  return *std::min_element(plans.begin(), plans.end(), [&](const GemmPlan& a, const GemmPlan& b) {
    return a.estimated_seconds * waste(a, count, size) < b.estimated_seconds * waste(b, count, size);
  });
}

std::uint32_t panels_of(const Launch& launch) {
  std::uint32_t panels = 0;
  for (const Task& task : launch.tasks) panels = std::max({panels, task.panel[0] + 1, task.panel[1] + 1});
  return panels;
}

}  // namespace

Launch lower_batched_gemm(std::int64_t count, const GemmSize& size, const Substrate& substrate, const Ideal& ideal) {
  if (count == 1) return lower_gemm(size, substrate, ideal);
  GemmPlan plan = best_plan(count, size, substrate, ideal);
  plan.tiles_n = tiles_along(size.n, plan.kernel->tile_n);
  require_at_most(plan.tasks() * static_cast<double>(count), kTasksMost, "tiles of a batch of products");
  Launch launch = build_gemm(size, plan, substrate, ideal);
  launch.name = "batched gemm";
  const std::vector<Task> one = std::move(launch.tasks);
  launch.tasks = one;
  const std::uint32_t panels = panels_of(launch);
  launch.tasks.reserve(one.size() * static_cast<std::size_t>(count));
  for (std::int64_t product = 1; product < count; ++product) {
    for (Task task : one) {
      for (std::size_t i = 0; i < 2; ++i) task.panel.at(i) += static_cast<std::uint32_t>(product) * panels;
      launch.tasks.push_back(task);
    }
  }
  return launch;
}

}  // namespace sparsesim
