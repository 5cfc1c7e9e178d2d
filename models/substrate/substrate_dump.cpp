// dump_substrate: the resolved substrate as one YAML file that stands alone.

#include "models/substrate/substrate_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "models/substrate/head_reader.h"
#include "models/substrate/vocabulary.h"

namespace sparsesim {
namespace {

/// A text as a YAML scalar that reads back to itself whatever it holds.
void add_quoted(std::string_view text, std::string& out) {
  out += '"';
  const auto is_special = [](char c) { return c == '"' || c == '\\'; };
  for (auto rest = text.begin(); rest != text.end();) {
    const auto special = std::find_if(rest, text.end(), is_special);
    out.append(rest, special);
    if (special == text.end()) break;
    out += '\\';
    out += *special;
    rest = special + 1;
  }
  out += '"';
}

std::string quote(std::string_view text) {
  std::string out;
  add_quoted(text, out);
  return out;
}

std::string quote_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + quote(text);
  return out + "]";
}

/// The keys of Quantity::source, which joins them with ", ", as a list.
void add_sources(std::string_view joined, std::string& out) {
  out += '[';
  for (std::size_t comma; (comma = joined.find(", ")) != std::string_view::npos; joined.remove_prefix(comma + 2)) {
    add_quoted(joined.substr(0, comma), out);
    out += ", ";
  }
  add_quoted(joined, out);
  out += ']';
}

void add_number(double value, config::Dimension dimension, std::string& out) {
  if (dimension == config::Dimension::none)
    fmt::format_to(std::back_inserter(out), "{}", value);
  else
    out += config::format_quantity(value, dimension);
}

void add_flow(const Quantity& quantity, config::Dimension dimension, std::string& out) {
  add_number(quantity.value, dimension, out += "{value: ");
  out.append(", kind: ").append(name(quantity.kind)).append(", source: ");
  add_sources(quantity.source, out);
  if (quantity.low != quantity.value) add_number(quantity.low, dimension, out += ", low: ");
  if (quantity.high != quantity.value) add_number(quantity.high, dimension, out += ", high: ");
  if (!quantity.fitted_to.empty()) add_quoted(quantity.fitted_to, out += ", fitted_to: ");
  if (!quantity.note.empty()) add_quoted(quantity.note, out += ", note: ");
  out += '}';
}

std::string flow(const Quantity& quantity, config::Dimension dimension) {
  std::string out;
  add_flow(quantity, dimension, out);
  return out;
}

void add_constants(const std::map<std::string, Quantity>& constants, std::string_view indent, std::string& out) {
  for (const auto& [key, constant] : constants) {
    out.append(indent).append(key).append(": ");
    add_flow(constant, constant.dimension, out);
    out += '\n';
  }
}

/// Writes dotted paths as nested maps; paths of one group must come together.
class Tree {
 public:
  explicit Tree(std::string& out) : out_(out) {}
  void add(const std::string& path, const std::string& value) {
    std::vector<std::string> parts;
    std::size_t begin = 0;
    for (std::size_t dot; (dot = path.find('.', begin)) != std::string::npos; begin = dot + 1)
      parts.push_back(path.substr(begin, dot - begin));
    std::size_t common = 0;
    while (common < open_.size() && common < parts.size() && open_[common] == parts[common]) ++common;
    open_.resize(common);
    for (; open_.size() < parts.size(); open_.push_back(parts[open_.size()]))
      out_ += indent() + parts[open_.size()] + ":\n";
    out_ += indent() + path.substr(begin) + ": " + value + "\n";
  }

 private:
  std::string indent() const { return std::string(2 * open_.size(), ' '); }

  std::string& out_;
  std::vector<std::string> open_;
};

/// Names of open groups in the order in which a file lists them, so that each group is opened once.
void dump_numbers(const Substrate& substrate, std::string& out) {
  std::map<std::string, std::vector<std::pair<std::string, std::string>>>
      groups;  // by all but the last part of the path
  visit_machine(substrate, [&](const std::string& path, const Quantity& quantity, config::Dimension dimension,
                               std::string_view, bool) {
    if (!quantity.given() || path.starts_with("fabric.")) return;
    groups[path.substr(0, path.rfind('.'))].emplace_back(path, flow(quantity, dimension));
  });
  const Numa& numa = substrate.memory.numa;
  if (numa.domains.given())
    groups["memory.numa"].emplace_back("memory.numa.placement",
                                       kNumaPlacements[static_cast<std::size_t>(numa.placement)]);
  Tree tree(out);
  for (const auto& [group, entries] : groups)
    for (const auto& [path, text] : entries) tree.add(path, text);
}

void dump_fabric(const Fabric& fabric, std::string& out) {
  out += "fabric:\n";
  if (!fabric.name.empty()) out += "  name: " + quote(fabric.name) + "\n";
  out += fmt::format("  topology: {}\n  devices: {}\n  switches: {}\n", quote(fabric.topology), fabric.devices,
                     fabric.switches);
  if (fabric.nodes > 1) out += fmt::format("  nodes: {}\n", fabric.nodes);
  const auto line = [&](const char* key, const Quantity& quantity, config::Dimension dimension) {
    if (quantity.given()) out += fmt::format("    {}: {}\n", key, flow(quantity, dimension));
  };
  if (fabric.link_bandwidth.given() || fabric.link_efficiency.given() || fabric.link_latency.given() ||
      fabric.packet.given())
    out += "  link:\n";
  line("bandwidth", fabric.link_bandwidth, config::Dimension::bandwidth);
  line("efficiency", fabric.link_efficiency, config::Dimension::share);
  line("latency", fabric.link_latency, config::Dimension::time);
  line("packet", fabric.packet, config::Dimension::bytes);
  if (fabric.network_bandwidth.given() || fabric.network_efficiency.given() || fabric.network_latency.given())
    out += "  network:\n";
  line("bandwidth", fabric.network_bandwidth, config::Dimension::bandwidth);
  line("efficiency", fabric.network_efficiency, config::Dimension::share);
  line("latency", fabric.network_latency, config::Dimension::time);
  if (!fabric.collectives.empty()) out += "  collectives:\n";
  for (const auto& [key, value] : fabric.collectives) line(key.c_str(), value, value.dimension);
  if (!fabric.links.empty()) out += "  links:\n";
  for (const FabricLink& link : fabric.links) {
    out += fmt::format("    - {{from: {}, to: {}, count: {}", quote(link.from), quote(link.to), link.count);
    if (link.bandwidth.given()) out += ", bandwidth: " + flow(link.bandwidth, config::Dimension::bandwidth);
    out += "}\n";
  }
}

void dump_kernel(const Kernel& kernel, std::string& out) {
  out +=
      fmt::format("  - name: {}\n    op: {}\n    quality: {}\n    dtypes: {}\n    patterns: {}\n", quote(kernel.name),
                  quote(kernel.op), kernel.quality, quote_list(kernel.dtypes), quote_list(kernel.patterns));
  out +=
      fmt::format("    tile: [{}, {}, {}]\n    stages: {}\n    tasks_per_unit: {}\n    persistent: {}\n", kernel.tile_m,
                  kernel.tile_n, kernel.tile_k, kernel.stages, kernel.tasks_per_unit, kernel.persistent);
  if (!kernel.constants.empty()) out += "    constants:\n";
  add_constants(kernel.constants, "      ", out);
}

void dump_amendments(const KernelAmendments& amendments, std::string& out) {
  if (!amendments.empty()) out += "kernels:\n";
  for (const auto& [kernel, constants] : amendments) {
    out += "  " + quote(kernel) + ":\n";
    add_constants(constants, "    ", out);
  }
}

std::string dump_top(const Substrate& substrate) {
  std::string out = fmt::format("name: {}\ntitle: {}\naliases: {}\narchitecture: {}\ndevices: {}\n",
                                quote(substrate.name), quote(substrate.title), quote_list(substrate.aliases),
                                quote(substrate.architecture), substrate.devices);
  if (substrate.product != substrate.name) out += fmt::format("product: {}\n", quote(substrate.product));
  out += dump_head(substrate.fingerprint, [](const Quantity& cost) { return flow(cost, config::Dimension::time); });
  dump_numbers(substrate, out);
  dump_fabric(substrate.fabric, out);
  return out;
}

std::string dump_sources(const Substrate& substrate) {
  std::string out = substrate.sources.empty() ? "sources: {}\n" : "sources:\n";
  for (const auto& [key, citation] : substrate.sources) out += "  " + quote(key) + ": " + quote(citation) + "\n";
  return out;
}

}  // namespace

void dump_substrate(const Substrate& substrate, const std::function<void(std::string_view)>& write) {
  write(dump_top(substrate));
  write(substrate.kernels.empty() ? "kernels: []\n" : "kernels:\n");
  std::string text;
  for (const Kernel& kernel : substrate.kernels) {
    text.clear();
    dump_kernel(kernel, text);
    write(text);
  }
  write(dump_sources(substrate));
}

std::string dump_substrate(const Substrate& substrate) {
  std::string out;
  dump_substrate(substrate, [&](std::string_view part) { out += part; });
  return out;
}

std::string dump_machine(const Substrate& substrate, const KernelAmendments& amendments) {
  std::string out = dump_top(substrate);
  dump_amendments(amendments, out);
  return out + dump_sources(substrate);
}

}  // namespace sparsesim
