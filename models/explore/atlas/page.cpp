#include "models/explore/atlas/page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace sparsesim::atlas {
namespace {

constexpr std::string_view kIntroduction = R"(# The atlas

Written by `sparsesim atlas --out docs/atlas.md`; do not edit.

A zero is worth something only if it removes a whole granule that the machine serves: a line from memory, a tile from the matrix unit, a task
from the dispatcher. So there is no sparsity that pays everywhere: there are machines, and what each is prepared to leave out. Everything
here is simulated against the best dense kernel of the same machine ([how](atlas_method.md)).

)";

constexpr std::string_view kLegend = R"(| mark | realised speedup |
|---|---|
| ● | **free**: at least 90 % of what the zeros promise |
| ◕ | **nearly free**: at least 70 % of it |
| ◑ | **pays**: above 1 |
| ○ | **never pays** |
| | **no kernel** is known for it: it runs densely |

**How sure** stands in every row and on every figure. **Bold**: measured rows of this operation on this very machine score the model
([accuracy](accuracy.md)). Plain: rows from another machine with the same kernels do. *Slanted*: published facts and kernels carried over from
other machines, nobody has checked. The second column counts the measured rows of the machine, names the one whose kernels it shares, or says
`facts`.

)";

constexpr std::string_view kOwnMachine = R"(## Your machine beside these

```sh
sparsesim atlas --substrate a100,mine.yaml          # both in every table, and what moved from one to the other
sparsesim recommend --substrate mine.yaml --workload llm-projection
```

`sparsesim fingerprint` writes such a file ([fingerprint](fingerprint.md)); `base: h100` and two lines describe a machine that does not exist
([substrates](substrates.md)).
)";

constexpr double kAnyShare = 0.0101;  // the least that is asked
constexpr std::size_t kWhole = 26;    // bytes of a cell that is kept on one line

int rows_on(const Evidence& evidence, const std::vector<std::string>& devices) {
  int rows = 0;
  for (const EvidenceRow& row : evidence.rows())
    if (std::find(devices.begin(), devices.end(), row.device) != devices.end()) rows += row.rows;
  return rows;
}

std::string known_cell(const Atlas& atlas, const Machine& machine) {
  const int own = rows_on(atlas.evidence, machine.measured_as);
  if (own > 0) return fmt::format("{} rows", own);
  if (machine.related.empty()) return "facts";
  const std::string& device = machine.related.front();
  for (const Machine& other : atlas.machines)
    if (other.substrate->name == device) return "as " + other.label;
  return "as " + device;
}

std::string contents(const Atlas& atlas) {
  struct Line {
    Part part;
    std::string_view question, section;
  };
  constexpr std::array<Line, 6> kLines{{
      {Part::map, "Which kinds of sparsity does a machine serve?", "at-one-glance"},
      {Part::weights, "How many zeros must weights have?", "how-many-zeros-weights-need"},
      {Part::units, "From how many tokens, keys or lookups does it pay?", "from-where-on-it-pays"},
      {Part::generations, "What did a new generation change, and why?", "from-one-generation-to-the-next"},
      {Part::nodes, "And over several devices?", "past-one-device"},
      {Part::granules, "What are the granules, and what does one cost?", "granules-and-their-price"},
  }};
  std::string text;
  for (const Line& line : kLines)
    if (atlas.parts.contains(line.part)) text += fmt::format("- [{}](#{})\n", line.question, line.section);
  return text + "\n";
}

}  // namespace

Table::Table(std::vector<std::string> heads) : columns_(heads.size()) {
  add(heads);
  text_ += "|";
  for (std::size_t i = 0; i < columns_; ++i) text_ += "---|";
  text_ += "\n";
}

void Table::add(const std::vector<std::string>& cells) {
  // Short cells never break inside: a mark stays with its number.
  const auto whole = [](std::string cell) {
    if (cell.size() > kWhole || cell.find(']') != std::string::npos) return cell;
    for (std::size_t at = cell.find(' '); at != std::string::npos; at = cell.find(' ', at))
      cell.replace(at, 1, "\u00a0");
    return cell;
  };
  text_ += "|";
  for (std::size_t i = 0; i < columns_; ++i)
    text_ += i < cells.size() && !cells[i].empty() ? " " + whole(cells[i]) + " |" : " |";
  text_ += "\n";
}

void Table::add_group(const std::string& name) { add({fmt::format("**{}**", name)}); }

std::string folded(const std::string& summary, const std::string& body) {
  return fmt::format("<details><summary>{}</summary>\n\n{}\n</details>\n\n", summary, body);
}

std::vector<std::string> machine_cells(const Atlas& atlas, const Machine& machine) {
  const std::string name = machine.shipped
                               ? fmt::format("[{}](../substrates/{}.yaml)", machine.label, machine.substrate->name)
                               : machine.label;
  return {name, known_cell(atlas, machine)};
}

void add_machines(Table& table, const Atlas& atlas, bool nodes,
                  const std::function<std::vector<std::string>(const Machine&, const MachineResult&)>& cells) {
  std::string group;
  for (std::size_t i = 0; i < atlas.machines.size(); ++i) {
    const Machine& machine = atlas.machines[i];
    if (machine.is_node() != nodes) continue;
    if (!nodes && machine.shipped && machine.group != group) table.add_group(group = machine.group);
    std::vector<std::string> row = machine_cells(atlas, machine);
    for (std::string& cell : cells(machine, atlas.results[i])) row.push_back(std::move(cell));
    table.add(row);
  }
}

std::string emphasis(Known known, const std::string& text) {
  if (text.empty() || known == Known::related) return text;
  return known == Known::measured ? fmt::format("**{}**", text) : fmt::format("*{}*", text);
}

std::string_view mark(Verdict verdict) {
  switch (verdict) {
    case Verdict::free:
      return "●";
    case Verdict::nearly_free:
      return "◕";
    case Verdict::pays:
      return "◑";
    case Verdict::slower:
      return "○";
    default:
      return "";
  }
}

std::string percent(double share) { return fmt::format("{:.3g} %", 100 * share); }
std::string share_text(double share) { return share < kAnyShare ? "any" : percent(share); }
std::string times(double factor) {
  return fmt::format("{:.{}f}x", factor, factor < 9.95 ? (factor < 0.095 ? 2 : 1) : 0);
}

std::string largest_loss(const Cell& cell) {
  const auto largest = std::max_element(cell.lost.begin(), cell.lost.end(),
                                        [](const auto& a, const auto& b) { return a.second < b.second; });
  if (largest == cell.lost.end() || largest->second < 1.005) return "";
  std::string words = largest->first;
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

std::string format_markdown(const Atlas& atlas) {
  std::string page{kIntroduction};
  page += contents(atlas);
  page += kLegend;
  using Section = std::string (*)(const Atlas&);
  constexpr std::array<std::pair<Part, Section>, 6> kSections{{{Part::map, map_section},
                                                               {Part::weights, weights_section},
                                                               {Part::units, units_section},
                                                               {Part::generations, generations_section},
                                                               {Part::nodes, nodes_section},
                                                               {Part::granules, granules_section}}};
  for (const auto& [part, section] : kSections)
    if (atlas.parts.contains(part)) page += section(atlas);
  return page + std::string(kOwnMachine);
}

}  // namespace sparsesim::atlas
