// Fabrics and kernel libraries: the files that several substrates share.

#include <algorithm>
#include <set>
#include <span>

#include "models/substrate/quantity_reader.h"
#include "models/substrate/substrate_reader.h"
#include "models/substrate/vocabulary.h"

namespace sparsesim {
namespace {

using config::MapReader;
using config::Node;
using Strings = std::vector<std::string>;

constexpr int kMostDevices = 65536;

std::vector<std::string> read_texts(MapReader& map, std::string_view key, std::vector<std::string> fallback) {
  const auto node = map.optional(key);
  if (!node) return fallback;
  std::vector<std::string> texts;
  for (const Node& item : node->items()) {
    if (item.type() == Node::Type::scalar && !item.scalar().empty())
      texts.push_back(item.scalar());
    else
      map.diagnostics().add(item.position(), "expected a name in " + node->path());
  }
  if (texts.empty()) map.mistake(key, std::string(key) + " must be a list of at least one name");
  return texts;
}

/// The number at a chosen name.
void read_named(const Node& value, const std::string& name, std::map<std::string, Quantity>& into,
                const SourceTable& sources, config::Diagnostics& diagnostics) {
  if (auto constant = read_constant(value, sources, diagnostics)) into[name] = std::move(*constant);
}

void read_constants(MapReader& map, std::string_view key, std::map<std::string, Quantity>& into,
                    const SourceTable& sources) {
  const auto node = map.optional(key);
  if (!node) return;
  if (node->type() != Node::Type::map) map.mistake(key, std::string(key) + " must be a map from names to numbers");
  for (const auto& [name, value] : node->entries()) read_named(value, name, into, sources, map.diagnostics());
}

FabricLink read_link(const Node& node, const SourceTable& sources, ReadContext& context) {
  MapReader map(node, context.diagnostics);
  FabricLink link;
  link.from = map.text("from");
  link.to = map.text("to");
  link.count = static_cast<int>(map.integer("count", 1, 4096, 1));
  if (const auto bandwidth = map.optional("bandwidth")) {
    if (auto read = read_quantity(*bandwidth, config::Dimension::bandwidth, sources, context.diagnostics))
      link.bandwidth = *read;
  }
  map.finish();
  return link;
}

/// How the kernel divides its work; what is not given stays.
void read_shape(MapReader& map, Kernel& kernel) {
  kernel.quality = map.choice("quality", kQualities, kernel.quality);
  if (map.has("tile")) {
    const auto tile = map.integers("tile", 0, 65536, 3);
    if (tile.size() == 3) {
      kernel.tile_m = static_cast<int>(tile[0]);
      kernel.tile_n = static_cast<int>(tile[1]);
      kernel.tile_k = static_cast<int>(tile[2]);
    } else {
      map.mistake("tile", "tile must be [m, n, k]");
    }
  }
  kernel.stages = static_cast<int>(map.integer("stages", 1, 64, kernel.stages));
  kernel.tasks_per_unit = static_cast<int>(map.integer("tasks_per_unit", 1, 1024, kernel.tasks_per_unit));
  kernel.persistent = map.boolean("persistent", kernel.persistent);
}

Kernel read_kernel(const Node& node, const SourceTable& sources, config::Diagnostics& diagnostics) {
  MapReader map(node, diagnostics);
  Kernel kernel;
  kernel.name = map.text("name");
  kernel.op = map.text("op");
  kernel.dtypes = read_texts(map, "dtypes", {});
  kernel.patterns = read_texts(map, "patterns", {"dense"});
  read_shape(map, kernel);
  map.text("note", "");
  read_constants(map, "constants", kernel.constants, sources);
  map.finish();
  return kernel;
}

std::string no_kernel(const std::string& name) { return "no kernel of the library is called \"" + name + "\""; }

std::string near_kernel(const std::string& name, const std::vector<Kernel>& library) {
  Strings names;
  for (const Kernel& kernel : library) names.push_back(kernel.name);
  const std::string near = config::nearest(name, names);
  return near.empty() ? "" : "did you mean \"" + near + "\"?";
}

/// The constants of a kernel that stand beside its `keys`. A name that no kernel has, but nearly, is a slip.
void read_beside(const Node& node, std::span<const std::string_view> keys, Kernel& kernel, const SourceTable& sources,
                 ReadContext& context) {
  std::set<std::string> known;
  for (const Kernel& other : context.substrate.kernels)
    for (const auto& [name, constant] : other.constants) known.insert(name);
  const Strings names(known.begin(), known.end());
  for (const auto& [name, value] : node.entries()) {
    if (std::find(keys.begin(), keys.end(), name) != keys.end()) continue;
    const std::string near = known.contains(name) ? "" : config::nearest(name, names);
    if (near.empty()) {
      context.origins["kernels." + kernel.name + "." + name] = value.key_position();
      read_named(value, name, kernel.constants, sources, context.diagnostics);
      continue;
    }
    context.diagnostics.add(node.key_position(name), "no kernel of the library has a constant \"" + name + "\"",
                            "did you mean \"" + near + "\"?");
  }
}

/// Appends a kernel of a list, unless there is one of its name.
void append_kernel(Kernel kernel, const config::Position& position, ReadContext& context) {
  const auto [known, fresh] = context.origins.try_emplace("kernels." + kernel.name, position);
  if (fresh) return context.substrate.kernels.push_back(std::move(kernel));
  context.diagnostics.add(position, "kernel \"" + kernel.name + "\" is there already",
                          "the first is at " + known->second.file + ":" + std::to_string(known->second.line));
}

}  // namespace

void read_fabric(MapReader& map, const SourceTable& sources, ReadContext& context) {
  Fabric& fabric = context.substrate.fabric;
  context.origins["fabric"] = map.node().position();
  fabric.name = map.text("name", fabric.name);
  fabric.topology = map.choice("topology", kTopologies, fabric.topology);
  fabric.devices = static_cast<int>(map.integer("devices", 1, kMostDevices, fabric.devices));
  fabric.nodes = static_cast<int>(map.integer("nodes", 1, kMostDevices, fabric.nodes));
  fabric.switches = static_cast<int>(map.integer("switches", 0, kMostDevices, fabric.switches));
  map.text("note", "");
  read_group(map, "fabric", sources, context);
  read_constants(map, "collectives", fabric.collectives, sources);
  if (const auto constants = map.optional("collectives"))
    for (const auto& [name, value] : constants->entries())
      context.origins["fabric.collectives." + name] = value.key_position();
  if (const auto links = map.optional("links")) {
    if (links->type() != Node::Type::sequence) map.mistake("links", "links must be a list of {from, to}");
    fabric.links.clear();
    for (const Node& item : links->items()) {
      context.origins["fabric.links[" + std::to_string(fabric.links.size()) + "]"] = item.position();
      fabric.links.push_back(read_link(item, sources, context));
    }
  }
}

void amend_kernel(const Node& node, Kernel& kernel, const SourceTable& sources, ReadContext& context) {
  MapReader map(node, context.diagnostics);
  read_shape(map, kernel);
  read_beside(node, kKernelShapeKeys, kernel, sources, context);
}

void add_kernel(const std::string& name, const Node& node, const SourceTable& sources, ReadContext& context) {
  const std::vector<Kernel>& library = context.substrate.kernels;
  MapReader map(node, context.diagnostics);
  Kernel kernel;
  if (const auto like = map.optional("like")) {
    const auto model =
        std::find_if(library.begin(), library.end(), [&](const Kernel& known) { return known.name == like->scalar(); });
    if (model == library.end())
      return map.mistake("like", no_kernel(like->scalar()), near_kernel(like->scalar(), library));
    kernel = *model;
  } else if (!map.has("op")) {
    const std::string near = near_kernel(name, library);
    context.diagnostics.add(node.key_position(), no_kernel(name),
                            near.empty() ? "a further one says which it is `like`, or its `op` and `dtypes`" : near);
    return;
  }
  kernel.name = name;
  kernel.op = kernel.op.empty() ? map.text("op") : map.text("op", kernel.op);
  kernel.dtypes = read_texts(map, "dtypes", kernel.dtypes);
  if (kernel.dtypes.empty() && !map.has("dtypes")) map.mistake("missing key \"dtypes\" in " + node.path());
  kernel.patterns = read_texts(map, "patterns", kernel.patterns.empty() ? Strings{"dense"} : kernel.patterns);
  read_shape(map, kernel);
  map.text("note", "");
  std::vector<std::string_view> keys = {"like", "op", "dtypes", "patterns", "note"};
  keys.insert(keys.end(), kKernelShapeKeys.begin(), kKernelShapeKeys.end());
  read_beside(node, keys, kernel, sources, context);
  context.origins["kernels." + name] = node.key_position();
  context.substrate.kernels.push_back(std::move(kernel));
}

void read_kernels(const Node& list, const SourceTable& sources, ReadContext& context) {
  if (list.type() != Node::Type::sequence) {
    context.diagnostics.add(list.position(), "kernels must be a list of kernels");
    return;
  }
  for (const Node& item : list.items())
    append_kernel(read_kernel(item, sources, context.diagnostics), item.position(), context);
}

}  // namespace sparsesim
