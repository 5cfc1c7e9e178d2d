#include "models/substrate/substrate_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace sparsesim {
namespace {

class Checker {
 public:
  Checker(const Substrate& substrate, const Origins& origins, const config::Position& root,
          config::Diagnostics& diagnostics)
      : s_(substrate), origins_(origins), root_(root), diagnostics_(diagnostics) {}

  void complete();
  void order();
  void numa();
  void whole();
  void tensor();
  void fabric();
  void links();

 private:
  config::Position at(const std::string& path) const {
    const auto found = origins_.find(path);
    return found == origins_.end() ? root_ : found->second;
  }
  void mistake(const std::string& path, const std::string& message, const std::string& hint = {}) {
    diagnostics_.add(at(path), message, hint);
  }
  void at_most(const std::string& small_path, const Quantity& small, const std::string& large_path,
               const Quantity& large) {
    if (small.given() && large.given() && small.value > large.value)
      mistake(small_path, small_path + " is above " + large_path);
  }
  void multiple(const std::string& path, const Quantity& large, const std::string& of_path, const Quantity& of) {
    if (!large.given() || !of.given() || of.value <= 0) return;
    const double ratio = large.value / of.value;
    if (ratio < 1 || ratio != std::floor(ratio)) mistake(path, path + " must be a multiple of " + of_path);
  }
  void missing(const std::string& path) {
    diagnostics_.add(root_, "missing key \"" + path + "\"", "every substrate needs it; `base: NAME` inherits it");
  }

  const Substrate& s_;
  const Origins& origins_;
  config::Position root_;
  config::Diagnostics& diagnostics_;
};

void Checker::complete() {
  const bool linked = s_.fabric.topology != "none";
  visit(s_, [&](const std::string& path, const Quantity& quantity, config::Dimension, std::string_view, bool required) {
    const bool needed = required || (linked && path.rfind("fabric.link.", 0) == 0);
    if (needed && !quantity.given() && !origins_.contains(path)) missing(path);
  });
  const Memory& m = s_.memory;
  for (const auto& [path, quantity] : {std::pair{"memory.side.capacity", &m.side_bytes},
                                       {"memory.side.bandwidth", &m.side_bandwidth},
                                       {"memory.side.latency", &m.side_latency}})
    if ((m.side_bytes.given() || m.side_bandwidth.given() || m.side_latency.given()) && !quantity->given())
      missing(path);
  if (s_.compute.pipes.tensor.empty()) missing("compute.pipes.tensor");
  if (s_.power.per_flop.empty()) missing("power.per_flop");
}

void Checker::order() {
  const Memory& m = s_.memory;
  at_most("compute.clock_floor", s_.compute.clock_floor, "compute.clock", s_.compute.clock);
  at_most("memory.sector", m.sector, "memory.line", m.line);
  at_most("memory.sector", m.sector, "memory.fill_granule", m.fill_granule);
  at_most("memory.l2.near_latency", m.l2_near_latency, "memory.l2.far_latency", m.l2_far_latency);
  at_most("memory.l2.far_latency", m.l2_far_latency, "memory.dram.latency", m.dram_latency);
  at_most("memory.l2.far_latency", m.l2_far_latency, "memory.side.latency", m.side_latency);
  at_most("memory.side.latency", m.side_latency, "memory.dram.latency", m.dram_latency);
  at_most("memory.dram.latency", m.dram_latency, "memory.dram.latency_p95", m.dram_latency_p95);
  at_most("memory.l2.capacity", m.l2_bytes, "memory.dram.capacity", m.dram_bytes);
  at_most("memory.dram.achieved", m.dram_achieved, "memory.dram.peak", m.dram_peak);
  at_most("power.idle", s_.power.idle, "power.cap", s_.power.cap);
  multiple("memory.line", m.line, "memory.sector", m.sector);
  multiple("memory.fill_granule", m.fill_granule, "memory.sector", m.sector);
}

/// What domains need; a machine of one may have the numbers of what it could be split into.
void Checker::numa() {
  const Numa& n = s_.memory.numa;
  for (const char* path : {"sockets", "remote_latency", "link", "socket_latency", "socket_link"})
    if (const std::string key = std::string("memory.numa.") + path; !n.domains.given() && origins_.contains(key))
      return mistake(key, key + " needs memory.numa.domains");
  const double domains = std::max(1.0, n.domains.value), sockets = std::max(1.0, n.sockets.value);
  const auto needs = [&](bool needed, const char* path, const Quantity& quantity, const char* why) {
    if (needed && quantity.value <= 0)
      mistake("memory.numa.domains", fmt::format("memory.numa needs {}: {}", path, why));
  };
  if (sockets > domains || std::fmod(domains, sockets) != 0)
    return mistake("memory.numa.sockets", fmt::format("{:g} domains cannot be spread evenly over {:g} sockets: "
                                                      "memory.numa.domains must be a multiple of memory.numa.sockets",
                                                      domains, sockets));
  needs(domains > sockets, "remote_latency", n.remote_latency, "a socket has several domains");
  needs(sockets > 1, "socket_latency", n.socket_latency, "there are several sockets");
  at_most("memory.dram.latency", s_.memory.dram_latency, "memory.numa.remote_latency", n.remote_latency);
  at_most("memory.dram.latency", s_.memory.dram_latency, "memory.numa.socket_latency", n.socket_latency);
  at_most("memory.numa.remote_latency", n.remote_latency, "memory.numa.socket_latency", n.socket_latency);
  if (domains > 64) mistake("memory.numa.domains", "memory.numa.domains must be 64 at most");
}

void Checker::whole() {
  const std::set<std::string> counts = {
      "compute.units",        "compute.tasks_per_unit", "compute.threads_per_unit", "compute.scratchpad_banks",
      "memory.l2.partitions", "memory.l2.chiplets",     "memory.dram.channels",     "memory.sector",
      "memory.line",          "memory.fill_granule",    "memory.numa.domains",      "memory.numa.sockets"};
  visit_fixed(s_, [&](const std::string& path, const Quantity& quantity, config::Dimension, std::string_view, bool) {
    if (!counts.contains(path) || !quantity.given()) return;
    if (quantity.value < 1 || quantity.value > 1e6 || quantity.value != std::floor(quantity.value))
      mistake(path, path + " must be a whole number from 1 to 1000000");
  });
}

void Checker::tensor() {
  for (const auto& [dtype, rate] : s_.compute.pipes.tensor) {
    const std::string path = "compute.pipes.tensor." + dtype + ".sparse";
    if (rate.sparse.given() && (rate.sparse.value < 1 || rate.sparse.value > 16))
      mistake(path, path + " must lie in 1..16",
              "the rate of the sparse instruction over the dense one; 1 if there is none");
    for (const auto& [pattern, quantity] : rate.n_of_m)
      if (quantity.value < 1 || quantity.value > 64)
        mistake("compute.pipes.tensor." + dtype + ".n_of_m." + pattern, "the rate of " + pattern + " must lie in 1..64",
                "the rate of the sparse instruction over the dense one");
  }
}

void Checker::fabric() {
  const Fabric& f = s_.fabric;
  const bool linked = f.topology != "none" || !f.links.empty();
  if (s_.devices > 1 && !linked)
    mistake("devices", "devices is " + std::to_string(s_.devices) + " but no fabric connects them");
  if (linked && s_.devices > f.devices)
    mistake("devices",
            "devices is " + std::to_string(s_.devices) + " but the fabric joins " + std::to_string(f.devices));
  if (f.topology == "switch" && f.switches < 1) mistake("fabric", "a switch topology needs switches of at least 1");
  if (f.nodes > 1) {
    if (f.devices % f.nodes != 0) mistake("fabric", "nodes must divide the devices of the fabric evenly");
    if (!f.links.empty()) mistake("fabric", "explicit links describe the whole fabric, so nodes must be 1");
    for (const auto& [path, quantity] : {std::pair{"fabric.network.bandwidth", &f.network_bandwidth},
                                         {"fabric.network.efficiency", &f.network_efficiency},
                                         {"fabric.network.latency", &f.network_latency}})
      if (!quantity->given()) missing(path);
  }
  if (!f.links.empty()) links();
}

/// Every device must be reachable from the first; ends must exist.
void Checker::links() {
  const Fabric& f = s_.fabric;
  std::map<std::string, std::string> parent;  // union-find over the ends
  for (int i = 0; i < f.devices; ++i) parent["device" + std::to_string(i)] = "device" + std::to_string(i);
  for (int i = 0; i < f.switches; ++i) parent["switch" + std::to_string(i)] = "switch" + std::to_string(i);
  const auto root_of = [&](std::string end) {
    while (parent[end] != end) end = parent[end] = parent[parent[end]];
    return end;
  };
  for (std::size_t i = 0; i < f.links.size(); ++i) {
    const std::string path = "fabric.links[" + std::to_string(i) + "]";
    bool known = true;
    for (const std::string& end : {f.links[i].from, f.links[i].to}) {
      if (parent.contains(end)) continue;
      known = false;
      mistake(path, "a link ends at \"" + end + "\", which is no device or switch of the fabric",
              "ends are device0 to device" + std::to_string(f.devices - 1) + " and switch0 on");
    }
    if (known) parent[root_of(f.links[i].from)] = root_of(f.links[i].to);
  }
  for (int i = 1; i < f.devices; ++i) {
    const std::string device = "device" + std::to_string(i);
    if (root_of(device) != root_of("device0"))
      mistake("fabric", "the fabric is not connected: no route from device0 to " + device);
  }
}

}  // namespace

void check_complete(const Substrate& substrate, const Origins& origins, const config::Position& root,
                    config::Diagnostics& diagnostics) {
  Checker(substrate, origins, root, diagnostics).complete();
}

void check_consistent(const Substrate& substrate, const Origins& origins, const config::Position& root,
                      config::Diagnostics& diagnostics) {
  Checker checker(substrate, origins, root, diagnostics);
  checker.order();
  checker.numa();
  checker.whole();
  checker.tensor();
  checker.fabric();
}

}  // namespace sparsesim
