// Break-even in tokens, keys, zeros and lookups; several devices.

#include <fmt/format.h>

#include "models/explore/atlas/page.h"

namespace sparsesim::atlas {
namespace {

bool is_share(const UnitQuestion& question) { return question.values.back() < 1; }

std::string value_text(const UnitQuestion& question, double value) {
  return is_share(question) ? percent(value) : fmt::format("{}", value);
}

std::string crossing_text(const UnitQuestion& question, const UnitCell& cell) {
  switch (cell.verdict) {
    case Payoff::always:
      return "always";
    case Payoff::never:
      return "never";
    case Payoff::crosses:
      return value_text(question, cell.crossing);
    default:
      return cell.reason.empty() ? "not again" : "";
  }
}

std::string unit_table(const Atlas& atlas, std::size_t index) {
  const UnitQuestion& question = unit_questions()[index];
  std::vector<std::string> heads = {"machine", "how sure", std::string(question.crossing)};
  for (const double value : question.values) heads.push_back(value_text(question, value));
  Table table(heads);
  bool anything = false;
  add_machines(table, atlas, false, [&](const Machine&, const MachineResult& result) {
    const UnitCell& cell = result.units[index];
    std::vector<std::string> cells = {emphasis(cell.known, crossing_text(question, cell))};
    for (const double speedup : cell.speedups) cells.push_back(speedup > 0 ? emphasis(cell.known, times(speedup)) : "");
    anything = anything || cell.reason.empty();
    return cells;
  });
  return table.text();
}

double factor_of(const Cell& cell, std::string_view term) {
  for (const auto& [name, factor] : cell.lost)
    if (name == term) return factor;
  return 1;
}

std::string node_text(const Cell& cell) {
  if (!cell.runs()) return "";
  return emphasis(cell.known, fmt::format("{} of {}<br>fabric /{:.2f}, imbalance /{:.2f}", times(cell.speedup),
                                          times(cell.ideal), factor_of(cell, "fabric"), factor_of(cell, "imbalance")));
}

std::string fabric_text(const Substrate& substrate) {
  const Fabric& fabric = substrate.fabric;
  return fmt::format("{}, {:.3g} GB/s, {:.3g} us", fabric.topology, fabric.link_bandwidth / 1e9,
                     fabric.link_latency * 1e6);
}

}  // namespace

std::string units_section(const Atlas& atlas) {
  std::string text =
      "## From where on it pays\n\nSpeedups over the dense twin, and where they cross 1 (experts: 2).\n\n";
  for (std::size_t i = 0; i < unit_questions().size(); ++i) {
    const UnitQuestion& question = unit_questions()[i];
    text += fmt::format("### {}\n\n{} [{}](../workloads/{}.yaml)\n\n{}\n", question.title, question.what,
                        question.workload, question.workload, unit_table(atlas, i));
  }
  return text +
         "```sh\nsparsesim breakeven --substrate h100 --workload retrieved-decode --over "
         "workload.ops.attention.seq=2048:131072:log\n```\n\n";
}

std::string nodes_section(const Atlas& atlas) {
  std::string text =
      "## Past one device\n\nAn expert layer (64 experts, two per token, skewed routing, "
      "[moe64](../workloads/moe64.yaml)) over the devices of a "
      "node, against all experts for every token on the same devices. The promise is 32x; what the exchange and uneven "
      "experts take is "
      "beside it. A rack of 72 uses 64.\n\n";
  std::vector<std::string> heads = {"machine", "how sure", "devices", "links per device"};
  for (const NodeQuestion& question : node_questions()) heads.emplace_back(question.title);
  Table table(heads);
  add_machines(table, atlas, true, [&](const Machine& machine, const MachineResult& result) {
    std::vector<std::string> cells = {std::to_string(machine.substrate->devices), fabric_text(*machine.substrate)};
    for (const Cell& cell : result.nodes) cells.push_back(node_text(cell));
    return cells;
  });
  return text + table.text() +
         "\n```sh\nsparsesim run --substrate h100-x8 --workload moe64\n"
         "sparsesim breakeven --substrate h100-x8 --workload moe64 --over workload.ops.ffn.tokens=64:65536:log "
         "--target 2\n```\n\n";
}

}  // namespace sparsesim::atlas
