#include "models/substrate/substrate_reader.h"

#include <cstdio>
#include <set>

#include "models/substrate/quantity_reader.h"
#include "models/substrate/vocabulary.h"

namespace sparsesim {
namespace {

using config::MapReader;
using config::Node;

struct Leaf {
  std::string path;
  Quantity* quantity;
  config::Dimension dimension;
};

std::vector<Leaf> fixed_leaves(Substrate& substrate) {
  std::vector<Leaf> leaves;
  visit_fixed(substrate,
              [&](const std::string& path, Quantity& quantity, config::Dimension dimension, std::string_view, bool) {
                leaves.push_back({path, &quantity, dimension});
              });
  return leaves;
}

/// The rest of `path` behind `prefix`, or nothing if it is not below it.
std::string below(const std::string& path, const std::string& prefix) {
  if (prefix.empty()) return path;
  if (!path.starts_with(prefix) || path[prefix.size()] != '.') return {};
  return path.substr(prefix.size() + 1);
}

void read_leaf(MapReader& map, const std::string& key, const std::string& path, Quantity& into,
               config::Dimension dimension, const SourceTable& sources, ReadContext& context) {
  const auto node = map.optional(key);
  if (!node) return;
  context.origins[path] = map.node().key_position(key);
  if (auto quantity = read_quantity(*node, dimension, sources, context.diagnostics)) into = *quantity;
}

/// One entry of a map keyed by operand type, refused if the type is unknown.
template <class Read>
void read_by_dtype(MapReader& map, std::string_view key, std::span<const std::string_view> known, Read&& read) {
  const auto node = map.optional(key);
  if (!node) return;
  MapReader types(*node, map.diagnostics());
  for (std::string_view dtype : known) {
    if (const auto entry = types.optional(dtype)) read(std::string(dtype), *entry);
  }
  types.finish();
}

/// Rates of further N:M patterns, under their names: `n_of_m: {"1:4": {value: 4, ...}}`.
void read_n_of_m(MapReader& rate, const std::string& prefix, TensorRate& into, const SourceTable& sources,
                 ReadContext& context) {
  const auto node = rate.optional("n_of_m");
  if (!node) return;
  if (node->type() != Node::Type::map) {
    rate.mistake("n_of_m", "n_of_m must be a map from patterns (\"1:4\") to numbers");
    return;
  }
  for (const auto& [pattern, value] : node->entries()) {
    context.origins[prefix + pattern] = node->key_position(pattern);
    int kept = 0, of = 0;
    char rest = 0;
    if (std::sscanf(pattern.c_str(), "%d:%d%c", &kept, &of, &rest) != 2 || kept < 1 || of <= kept || of > 64) {
      context.diagnostics.add(node->key_position(pattern),
                              "a pattern is N:M with 1 <= N < M <= 64, not \"" + pattern + "\"");
    } else if (auto quantity = read_quantity(value, config::Dimension::none, sources, context.diagnostics)) {
      into.n_of_m[pattern] = *quantity;
    }
  }
}

void read_tensor_rates(MapReader& map, const SourceTable& sources, ReadContext& context) {
  read_by_dtype(map, "tensor", kTensorDtypes, [&](const std::string& dtype, const Node& entry) {
    MapReader rate(entry, context.diagnostics);
    const std::string path = "compute.pipes.tensor." + dtype;
    TensorRate& into = context.substrate.compute.pipes.tensor[dtype];
    context.origins[path] = entry.position();
    using D = config::Dimension;
    read_leaf(rate, "dense", path + ".dense", into.dense, D::per_cycle, sources, context);
    read_leaf(rate, "sparse", path + ".sparse", into.sparse, D::none, sources, context);
    read_leaf(rate, "fp32_accumulate", path + ".fp32_accumulate", into.fp32_accumulate, D::share, sources, context);
    read_leaf(rate, "step_m", path + ".step_m", into.step_m, D::none, sources, context);
    read_leaf(rate, "step_n", path + ".step_n", into.step_n, D::none, sources, context);
    read_leaf(rate, "step_k", path + ".step_k", into.step_k, D::none, sources, context);
    read_n_of_m(rate, path + ".n_of_m.", into, sources, context);
    rate.finish();
  });
}

void read_flop_energies(MapReader& map, const SourceTable& sources, ReadContext& context) {
  read_by_dtype(map, "per_flop", kEnergyDtypes, [&](const std::string& dtype, const Node& entry) {
    context.origins["power.per_flop." + dtype] = entry.position();
    if (auto joules = read_quantity(entry, config::Dimension::energy_rate, sources, context.diagnostics))
      context.substrate.power.per_flop[dtype] = *joules;
  });
}

void read_placement(MapReader& map, ReadContext& context) {
  if (!map.has("placement")) return;
  context.origins["memory.numa.placement"] = map.node().key_position("placement");
  const std::string text = map.choice("placement", kNumaPlacements);
  for (std::size_t i = 0; i < kNumaPlacements.size(); ++i)
    if (kNumaPlacements[i] == text) context.substrate.memory.numa.placement = static_cast<NumaPlacement>(i);
}

void read_leaves(MapReader& map, const std::string& prefix, const std::vector<Leaf>& leaves, const SourceTable& sources,
                 ReadContext& context) {
  std::set<std::string> inner;  // groups already read
  for (const Leaf& leaf : leaves) {
    const std::string rest = below(leaf.path, prefix);
    if (rest.empty() || (prefix.empty() && rest.rfind("fabric.", 0) == 0)) continue;
    const std::size_t dot = rest.find('.');
    const std::string key = rest.substr(0, dot);
    if (dot == std::string::npos) {
      read_leaf(map, key, leaf.path, *leaf.quantity, leaf.dimension, sources, context);
    } else if (inner.insert(key).second) {
      const auto node = map.optional(key);
      if (!node) continue;
      MapReader group(*node, context.diagnostics);
      read_leaves(group, prefix.empty() ? key : prefix + "." + key, leaves, sources, context);
      group.finish();
    }
  }
  if (prefix == "compute.pipes") read_tensor_rates(map, sources, context);
  if (prefix == "power") read_flop_energies(map, sources, context);
  if (prefix == "memory.numa") read_placement(map, context);
}

}  // namespace

void read_group(MapReader& map, const std::string& prefix, const SourceTable& sources, ReadContext& context) {
  read_leaves(map, prefix, fixed_leaves(context.substrate), sources, context);
}

}  // namespace sparsesim
