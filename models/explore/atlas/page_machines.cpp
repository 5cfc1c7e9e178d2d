// The machines themselves: granules and their price, how each number is known.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/explore/atlas/page.h"
#include "models/substrate/constants.h"

namespace sparsesim::atlas {
namespace {

std::string bytes_text(const Quantity& q) { return q.given() ? display(q, config::Dimension::bytes, "") : ""; }

const TensorRate* matrix_rate(const Machine& machine) {
  const auto& rates = machine.substrate->compute.pipes.tensor;
  const auto found = rates.find(machine.dtypes.front());
  return found == rates.end() ? nullptr : &found->second;
}

std::string step_text(const TensorRate* rate) {
  if (!rate || !rate->step_m.given()) return "";
  return fmt::format("{:g}x{:g}x{:g}", rate->step_m.value, rate->step_n.value, rate->step_k.value);
}

/// Smallest and largest tile of the library's dense products.
std::string tiles_text(const Substrate& substrate) {
  const Kernel *least = nullptr, *most = nullptr;
  const auto area = [](const Kernel* kernel) { return kernel->tile_m * kernel->tile_n; };
  for (const Kernel& kernel : substrate.kernels) {
    if (kernel.op != "gemm" || kernel.tile_m == 0) continue;
    if (!least || area(&kernel) < area(least)) least = &kernel;
    if (!most || area(&kernel) > area(most)) most = &kernel;
  }
  if (!least) return "";
  const auto text = [](const Kernel* kernel) { return fmt::format("{}x{}", kernel->tile_m, kernel->tile_n); };
  return area(least) == area(most) ? text(least) : text(least) + " to " + text(most);
}

std::string dram_text(const Substrate& substrate, double seconds) {
  return fmt::format("{:.3g} MB", seconds * substrate.memory.dram_achieved / 1e6);
}

double mean_error(const Evidence& evidence, const Machine& machine) {
  double sum = 0, rows = 0;
  for (const EvidenceRow& row : evidence.rows()) {
    const auto& own = machine.measured_as;
    if (row.mean_error < 0 || std::find(own.begin(), own.end(), row.device) == own.end()) continue;
    sum += row.mean_error * row.rows;
    rows += row.rows;
  }
  return rows > 0 ? sum / rows : -1;
}

std::string sure_table(const Atlas& atlas) {
  Table table(
      {"machine", "how sure", "numbers of data sheets", "measured", "fitted", "guessed", "mean error of the time"});
  add_machines(table, atlas, false, [&](const Machine& machine, const MachineResult&) {
    std::vector<std::string> cells;
    for (const int count : provenance_counts(*machine.substrate)) cells.push_back(std::to_string(count));
    const double error = mean_error(atlas.evidence, machine);
    cells.push_back(error < 0 ? "" : fmt::format("{:.1f} %", error));
    return cells;
  });
  return table.text();
}

}  // namespace

Balance balance_of(const Machine& machine) {
  const Substrate& s = *machine.substrate;
  Balance balance;
  const double share = s.compute.pipes.tensor_sustained.given() ? s.compute.pipes.tensor_sustained.value : 1;
  if (const TensorRate* rate = matrix_rate(machine))
    balance.matrix = rate->dense * s.compute.units * s.compute.clock * share;
  balance.memory = s.memory.dram_achieved;
  balance.call = s.dispatch.graph_node + s.dispatch.grid_start;
  balance.call_bytes = balance.call * balance.memory;
  const double weight_bytes = machine.dtypes.front() == "fp32" ? 4 : 2;
  if (balance.memory > 0) balance.rows = balance.matrix * weight_bytes / (2 * balance.memory);
  return balance;
}

std::string granules_section(const Atlas& atlas) {
  std::string text =
      "## Granules and their price\n\nWhat a machine does in pieces of. A zero inside a piece that is served anyway "
      "saves nothing. `rows until "
      "arithmetic binds`: with fewer rows of activations a dense product waits for its weights, and zeros save bytes; "
      "with more they must "
      "save whole steps of the matrix unit. A call is one kernel in a graph; beside it what DRAM moves meanwhile: a "
      "sparse kernel must save "
      "more than that for each call it adds.\n\n";
  Table table({"machine", "how sure", "type", "line", "sector", "DRAM fill", "matrix step", "tiles of dense kernels",
               "units", "task", "call", "rows until arithmetic binds"});
  add_machines(table, atlas, false, [](const Machine& machine, const MachineResult&) {
    const Substrate& s = *machine.substrate;
    const Balance balance = balance_of(machine);
    return std::vector<std::string>{
        machine.dtypes.front(),
        bytes_text(s.memory.line),
        bytes_text(s.memory.sector),
        bytes_text(s.memory.fill_granule),
        step_text(matrix_rate(machine)),
        tiles_text(s),
        std::to_string(int{s.compute.units}),
        s.dispatch.rate > 0 ? fmt::format("{:.2g} ns", 1e9 / s.dispatch.rate) : "",
        balance.call > 0 ? fmt::format("{:.2g} us, {}", balance.call * 1e6, dram_text(s, balance.call)) : "none",
        balance.rows >= 1 ? fmt::format("{:.0f}", balance.rows) : ""};
  });
  return text + table.text() + "\n" + folded("How the numbers of each machine are known", sure_table(atlas)) +
         "```sh\nsparsesim show h100      # every number with its kind, range and source\n```\n\n";
}

}  // namespace sparsesim::atlas
