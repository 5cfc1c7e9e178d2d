// The maps: machine by kind of sparsity.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/explore/atlas/page.h"

namespace sparsesim::atlas {
namespace {

/// Columns of the map that patterns of weights share, in order.
std::vector<std::string_view> map_columns() {
  std::vector<std::string_view> columns;
  for (const WeightPattern& pattern : weight_patterns())
    if (columns.empty() || columns.back() != pattern.column) columns.push_back(pattern.column);
  return columns;
}

bool better(const WeightCell& a, const WeightCell& b) {
  if (a.verdict != b.verdict) return a.verdict < b.verdict;
  if (a.pays && b.pays && *a.pays != *b.pays) return *a.pays < *b.pays;
  return a.speedup > b.speedup;
}

struct BestOf {
  const WeightCell* cell = nullptr;
  bool among_several = false;  // granules
};
BestOf best_of(const std::vector<WeightCell>& cells, std::string_view column) {
  BestOf best;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (weight_patterns()[i].column != column) continue;
    best.among_several = best.cell != nullptr;
    if (!best.cell || better(cells[i], *best.cell)) best.cell = &cells[i];
  }
  return best;
}

std::string map_cell(const std::vector<WeightCell>& cells, std::string_view column) {
  const BestOf best = best_of(cells, column);
  const WeightCell& cell = *best.cell;
  if (!cell.runs()) return "";
  std::string text{mark(cell.verdict)};
  if (cell.one_share && cell.verdict != Verdict::slower)
    text += " " + times(cell.speedup);
  else if (cell.pays)
    text += " " + share_text(*cell.pays);
  if (best.among_several && cell.pays) text += ", " + cell.granule;
  return emphasis(cell.known, text);
}

std::string map_cell(const Cell& cell) {
  if (!cell.runs()) return "";
  return emphasis(cell.known, fmt::format("{} {}", mark(cell.verdict), times(cell.speedup)));
}

/// On how many machines each column is what.
class Tally {
 public:
  void add(const std::string& column, Verdict verdict) {
    if (counts_.empty() || counts_.back().first != column) counts_.emplace_back(column, std::array<int, 5>{});
    ++counts_.back().second[static_cast<std::size_t>(std::min(verdict, Verdict::no_kernel))];
  }
  std::string table() const {
    Table table({"machines on which it is", "● free", "◕ nearly free", "◑ pays", "○ never pays", "no kernel"});
    for (const auto& [column, counts] : counts_) {
      std::vector<std::string> cells = {column};
      for (const int count : counts) cells.push_back(count > 0 ? std::to_string(count) : "");
      table.add(cells);
    }
    return table.text();
  }

 private:
  std::vector<std::pair<std::string, std::array<int, 5>>> counts_;
};

std::string tally_table(const Atlas& atlas, std::size_t rows, bool prefill) {
  Tally tally;
  const auto add_all = [&](const std::string& column, auto&& verdict) {
    for (std::size_t i = 0; i < atlas.machines.size(); ++i)
      if (!atlas.machines[i].is_node()) tally.add(column, verdict(atlas.results[i]));
  };
  for (const std::string_view column : map_columns())
    add_all(std::string(column),
            [&](const MachineResult& result) { return best_of(result.weights[rows], column).cell->verdict; });
  for (std::size_t q = 0; q < kind_questions().size(); ++q)
    if (kind_questions()[q].prefill == prefill)
      add_all(std::string(kind_questions()[q].title),
              [&](const MachineResult& result) { return result.kinds[q].verdict; });
  return tally.table();
}

std::string weights_map(const Atlas& atlas, std::size_t rows) {
  std::vector<std::string> heads = {"machine", "how sure"};
  for (const std::string_view column : map_columns()) heads.emplace_back(column);
  Table table(heads);
  add_machines(table, atlas, false, [&](const Machine&, const MachineResult& result) {
    std::vector<std::string> cells;
    for (const std::string_view column : map_columns()) cells.push_back(map_cell(result.weights[rows], column));
    return cells;
  });
  return table.text() + "\n";
}

std::string kinds_map(const Atlas& atlas, bool prefill) {
  std::vector<std::string> heads = {"machine", "how sure"};
  for (const KindQuestion& question : kind_questions())
    if (question.prefill == prefill) heads.emplace_back(question.title);
  Table table(heads);
  add_machines(table, atlas, false, [&](const Machine&, const MachineResult& result) {
    std::vector<std::string> cells;
    for (std::size_t i = 0; i < kind_questions().size(); ++i)
      if (kind_questions()[i].prefill == prefill) cells.push_back(map_cell(result.kinds[i]));
    return cells;
  });
  return table.text() + "\n";
}

std::string columns_table(bool prefill) {
  Table table({"column", "kind", "asked", "workload"});
  for (const KindQuestion& question : kind_questions())
    if (question.prefill == prefill)
      table.add({std::string(question.title), std::string(question.kind), std::string(question.what),
                 fmt::format("[{0}](../workloads/{0}.yaml)", question.workload)});
  return table.text();
}

/// Every kind cell with its range, its promise and where the rest went.
std::string kinds_details(const Atlas& atlas, bool prefill) {
  std::vector<std::string> heads = {"machine", "how sure"};
  for (const KindQuestion& question : kind_questions())
    if (question.prefill == prefill) heads.emplace_back(question.title);
  Table table(heads);
  add_machines(table, atlas, false, [&](const Machine& machine, const MachineResult& result) {
    std::vector<std::string> cells;
    for (std::size_t i = 0; i < kind_questions().size(); ++i) {
      if (kind_questions()[i].prefill != prefill) continue;
      const Cell& cell = result.kinds[i];
      std::string text;
      if (cell.runs()) {
        text = fmt::format("{} of {}<br>{} to {}", times(cell.speedup), times(cell.ideal), times(cell.interval->low),
                           times(cell.interval->high));
        if (const std::string loss = largest_loss(cell); !loss.empty()) text += "<br>" + loss;
        if (cell.dtype != machine.dtypes.front() && !kind_questions()[i].dtype.empty()) text += "<br>" + cell.dtype;
      }
      cells.push_back(emphasis(cell.known, text));
    }
    return cells;
  });
  return table.text();
}

}  // namespace

std::string map_section(const Atlas& atlas) {
  std::string text =
      "## At one glance\n\nThe widest projection of an 8B decoder (4096 x 14336, "
      "[llm-projection](../workloads/llm-projection.yaml)): while it "
      "decodes for 16 requests, and with a prompt of 4096 tokens.\n\n";
  struct Phase {
    const char* title;
    std::size_t rows;
    bool prefill;
  };
  for (const auto& [title, rows, prefill] : {Phase{"Decoding", kDecode, false}, Phase{"Prompts", kPrefill, true}}) {
    text += fmt::format(
        "### {}: zeros in weights\n\nThe share of zeros from which on the pattern pays, at the granule that serves it "
        "best; of "
        "2:4 the speedup.\n\n{}",
        title, weights_map(atlas, rows));
    text += fmt::format("### {}: everything else\n\nThe speedup for what is asked below the table.\n\n{}{}\n", title,
                        kinds_map(atlas, prefill), columns_table(prefill));
    text += folded("Promise, range, largest loss and type of number of each", kinds_details(atlas, prefill));
    text += folded("How many machines serve each", tally_table(atlas, rows, prefill));
  }
  return text +
         "Any cell: `sparsesim recommend --substrate h100 --workload llm-projection --target 1` for a pattern of "
         "weights, `sparsesim run "
         "--substrate h100 --workload llm-experts` for another kind.\n\n";
}

}  // namespace sparsesim::atlas
