// One transformer layer over sequences of different lengths, packed one after the other.

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>

#include "models/ops/attention/attention.h"
#include "models/ops/dense/elementwise.h"
#include "models/ops/dense/gemm.h"
#include "models/ops/dynamic/depth.h"
#include "models/ops/limits.h"

namespace sparsesim {
namespace {

using Launches = std::vector<std::shared_ptr<const Launch>>;

/// One call that serves sequences of different lengths: the tasks of all, each with its own operands.
Launch joined(const std::vector<Launch>& parts) {
  Launch whole = parts.front();
  std::uint32_t panels = 0;
  const auto count_panels = [](const Launch& launch) {
    std::uint32_t most = 0;
    for (const Task& task : launch.tasks)
      most = std::max(most, *std::max_element(task.panel.begin(), task.panel.end()));
    return most + 1;
  };
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const Launch& part = parts[i];
    panels += count_panels(parts[i - 1]);
    require_at_most(static_cast<double>(whole.tasks.size() + part.tasks.size()), kTasksMost,
                    "tasks over sequences of different lengths");
    const auto shapes = static_cast<std::uint32_t>(whole.shapes.size());
    whole.shapes.insert(whole.shapes.end(), part.shapes.begin(), part.shapes.end());
    for (Task task : part.tasks) {
      task.shape += shapes;
      for (auto& panel : task.panel) panel += panels;
      whole.tasks.push_back(task);
    }
    whole.dead_tasks += part.dead_tasks;
  }
  return whole;
}

/// Attention of each sequence over itself, or of one token over its context; equal lengths make one part of the call.
Launches lower_attentions(const LayerSize& layer, const std::vector<std::int64_t>& lengths,
                          const LowerContext& context) {
  std::map<std::int64_t, std::int64_t, std::greater<>> requests;  // by length, longest first
  for (std::int64_t length : lengths) requests[length] += 1;
  std::vector<std::string> names;  // of the kernels of one call, in order
  std::map<std::string, std::vector<Launch>> parts;
  for (const auto& [length, count] : requests) {
    AttentionSize size;
    size.batch = count;
    size.queries = length;
    size.keys = layer.context > 0 ? layer.context : length;
    size.heads = layer.heads;
    size.kv_heads = layer.kv_heads;
    size.head_dim = layer.head_dim;
    size.dtype = layer.dtype;
    size.causal = layer.causal;
    for (const Stage& stage : Attention(size).lower(context).stages) {
      if (stage.launch->name == "cache write" && !layer.causal) continue;  // an encoder keeps no keys
      auto& part = parts[stage.launch->name];
      if (part.empty()) names.push_back(stage.launch->name);
      part.push_back(*stage.launch);
    }
  }
  Launches launches;
  for (const auto& name : names) launches.push_back(std::make_shared<const Launch>(joined(parts[name])));
  return launches;
}

}  // namespace

double LayerSize::macs(std::int64_t tokens) const {
  const auto t = static_cast<double>(tokens), h = static_cast<double>(hidden);
  const double inner = static_cast<double>(heads * head_dim), keys = static_cast<double>(2 * kv_heads * head_dim);
  const double weights = h * (2 * inner + keys) + h * static_cast<double>(intermediate) * (gated ? 3 : 2);
  const double seen = context > 0 ? static_cast<double>(context) : causal ? (t + 1) / 2 : t;
  return t * (weights + 2 * inner * seen);
}

Launches lower_layer(const LayerSize& layer, const std::vector<std::int64_t>& lengths, const LowerContext& context) {
  const Substrate& substrate = context.substrate;
  const std::int64_t tokens = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  Launches launches;
  const auto add = [&](Launch launch, const char* name) {
    launch.name = name;
    launches.push_back(std::make_shared<const Launch>(std::move(launch)));
  };
  const auto product = [&](std::int64_t n, std::int64_t k, const char* name) {
    add(lower_gemm(tokens, n, k, layer.dtype, substrate, context.ideal), name);
  };
  const auto pass = [&](std::int64_t width, double reads, double writes, double flops, const char* name) {
    add(lower_elementwise({.elements = tokens * width,
                           .dtype = layer.dtype,
                           .reads = reads,
                           .writes = writes,
                           .flops_per_element = flops},
                          substrate),
        name);
  };
  const std::int64_t inner = layer.heads * layer.head_dim, keys = 2 * layer.kv_heads * layer.head_dim;
  pass(layer.hidden, 1, 1, 4, "norm");
  product(inner + keys, layer.hidden, "qkv");
  for (auto& launch : lower_attentions(layer, lengths, context)) launches.push_back(std::move(launch));
  product(layer.hidden, inner, "output");
  pass(layer.hidden, 2, 2, 5, "residual_norm");
  product(layer.intermediate * (layer.gated ? 2 : 1), layer.hidden, "up");
  pass(layer.intermediate, layer.gated ? 2 : 1, 1, 6, "activation");
  product(layer.hidden, layer.intermediate, "down");
  return launches;
}

}  // namespace sparsesim
