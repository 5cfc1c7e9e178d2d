// From one machine to the next: what speedups did, and which part of the machine did it.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/explore/atlas/page.h"

namespace sparsesim::atlas {
namespace {

std::string ratio(double after, double before) {
  return before > 0 && after > 0 ? fmt::format("x{:.2g}", after / before) : "";
}

/// The part that moved a speedup most: "kernels x0.71".
std::string mover(const Step& step) {
  const auto most = std::max_element(step.factors.begin(), step.factors.end(),
                                     [](double a, double b) { return std::abs(std::log(a)) < std::abs(std::log(b)); });
  if (std::abs(std::log(*most)) < 0.01) return "nothing";
  return fmt::format("{} x{:.2f}", kExchanged[static_cast<std::size_t>(most - step.factors.begin())], *most);
}

std::string shares_text(const std::optional<double>& before, const std::optional<double>& after) {
  const auto text = [](const std::optional<double>& share) {
    return share ? share_text(*share) : std::string("never");
  };
  return text(before) + " -> " + text(after);
}

struct Pair {
  const Machine& before;
  const Machine& after;
  const MachineResult& old;
  const MachineResult& now;
  std::string title() const { return fmt::format("{} -> {}", before.label, after.label); }
};

/// How both machines are known: "1793 rows, as h100".
std::string sureness(const Atlas& atlas, const Pair& pair) {
  return fmt::format("*{}; {}*", machine_cells(atlas, pair.before)[1], machine_cells(atlas, pair.after)[1]);
}

Pair pair_of(const Atlas& atlas, const Generation& generation) {
  return {atlas.machines[generation.before], atlas.machines[generation.after], atlas.results[generation.before],
          atlas.results[generation.after]};
}

/// Speedup before and after, for weights the break-even share too, and what moved it.
std::string step_text(const Pair& pair, const Generation& generation, std::size_t index) {
  const auto& step = generation.steps[index];
  if (!step) return "";
  const Probe& probe = probes()[index];
  std::string text = fmt::format("{} -> {}", times(step->before), times(step->after));
  if (probe.kind >= 0 || weight_patterns()[probe.pattern].candidate.only_sparsity())
    return text + "<br>" + mover(*step);
  const auto& rows = projection_rows();
  const auto r = static_cast<std::size_t>(std::find(rows.begin(), rows.end(), probe.rows) - rows.begin());
  const WeightCell &old = pair.old.weights[r][probe.pattern], &now = pair.now.weights[r][probe.pattern];
  return fmt::format("{}<br>{}<br>{}", text, shares_text(old.pays, now.pays), mover(*step));
}

/// Geometric means of what each part made of the speedup over all steps: while decoding, with prompts.
std::string means_table(const Atlas& atlas) {
  std::vector<std::string> heads = {"in the mean of all steps"};
  for (const std::string_view part : kExchanged) heads.emplace_back(part);
  Table table(heads);
  for (const bool decode : {true, false}) {
    std::array<double, kExchanged.size()> logs{};
    double steps = 0;
    for (const Generation& generation : atlas.generations)
      for (std::size_t i = 0; i < probes().size(); ++i) {
        if (!generation.steps[i] || probes()[i].decode() != decode) continue;
        ++steps;
        for (std::size_t part = 0; part < logs.size(); ++part)
          logs[part] += std::log(generation.steps[i]->factors[part]);
      }
    if (steps == 0) continue;
    std::vector<std::string> row = {decode ? "decoding" : "prompts"};
    for (const double sum : logs) row.push_back(fmt::format("x{:.2f}", std::exp(sum / steps)));
    table.add(row);
  }
  return table.text();
}

constexpr double kEven = 1.02;  // within that factor nothing moved
constexpr std::array<std::string_view, kExchanged.size()> kNames = {"arithmetic", "memory", "fixed cost", "kernels"};

std::string sentence(const Pair& pair, const Generation& generation) {
  const Balance old = balance_of(pair.before), now = balance_of(pair.after);
  std::string text = fmt::format(
      "**{}**: arithmetic {}, DRAM {}, so that a dense product waits for its weights up to {:.0f} rows instead of "
      "{:.0f}; a call takes "
      "{:.2g} us instead of {:.2g}, the time of {:.2g} MB from DRAM instead of {:.2g}.",
      pair.title(), ratio(now.matrix, old.matrix), ratio(now.memory, old.memory), now.rows, old.rows, now.call * 1e6,
      old.call * 1e6, now.call_bytes / 1e6, old.call_bytes / 1e6);
  std::size_t up = 0, down = 0, known = 0;
  std::array<double, kExchanged.size()> moved{};
  for (const auto& step : generation.steps) {
    if (!step) continue;
    ++known;
    up += step->after > kEven * step->before;
    down += step->after < step->before / kEven;
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += std::log(step->factors[i]);
  }
  if (known == 0) return text + "\n\n";
  text += fmt::format(" Of {} questions, zeros are worth more than before in {} and less in {}", known, up, down);
  const auto least = static_cast<std::size_t>(std::min_element(moved.begin(), moved.end()) - moved.begin());
  const double mean = std::exp(moved[least] / static_cast<double>(known));
  if (mean < 1 / kEven)
    text += fmt::format("; what takes most is the new {}, x{:.2f} in the mean", kNames[least], mean);
  return text + ".\n\n";
}

std::string steps_table(const Generation& generation) {
  std::vector<std::string> heads = {"speedup of", "before", "after"};
  for (const std::string_view part : kExchanged) heads.emplace_back(part);
  Table table(heads);
  for (std::size_t i = 0; i < probes().size(); ++i) {
    if (!generation.steps[i]) continue;
    std::vector<std::string> row = {std::string(probes()[i].title), fmt::format("{:.2f}x", generation.steps[i]->before),
                                    fmt::format("{:.2f}x", generation.steps[i]->after)};
    for (const double factor : generation.steps[i]->factors) row.push_back(fmt::format("x{:.2f}", factor));
    table.add(row);
  }
  return table.text();
}

}  // namespace

std::string generations_section(const Atlas& atlas) {
  if (atlas.generations.empty()) return "";
  std::string text =
      "## From one generation to the next\n\nThe speedup that zeros bring before and after; of weights, which have 90 "
      "% zeros, the share from "
      "which on they pay; and the part of the machine that moved the speedup most. Mixtures of both machines are "
      "simulated: the old one with the "
      "new one's units and clocks (compute), its memory, its fixed costs or its kernels ([how](atlas_method.md)).\n\n";
  std::vector<std::string> heads = {"from, to"};
  for (const Probe& probe : probes()) heads.emplace_back(probe.title);
  Table table(heads);
  for (const Generation& generation : atlas.generations) {
    const Pair pair = pair_of(atlas, generation);
    std::vector<std::string> row = {fmt::format("{}<br>{}", pair.title(), sureness(atlas, pair))};
    for (std::size_t i = 0; i < probes().size(); ++i) row.push_back(step_text(pair, generation, i));
    table.add(row);
  }
  text += table.text() + "\n" + means_table(atlas) + "\n";
  for (const Generation& generation : atlas.generations) {
    const Pair pair = pair_of(atlas, generation);
    text += sentence(pair, generation) + folded(pair.title() + ", part by part", steps_table(generation));
  }
  return text + "```sh\nsparsesim atlas --substrate a100,h100 --only generations\n```\n\n";
}

}  // namespace sparsesim::atlas
