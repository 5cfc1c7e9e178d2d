#pragma once
// Sections of the page, and the words that they share. Private to this folder.

#include <string>
#include <vector>

#include "models/explore/atlas/atlas.h"
#include "models/explore/atlas/questions.h"

namespace sparsesim::atlas {

/// A table of Markdown: the heads, then rows as wide.
class Table {
 public:
  explicit Table(std::vector<std::string> heads);
  void add(const std::vector<std::string>& cells);
  /// A row with a name alone.
  void add_group(const std::string& name);
  std::string text() const { return text_; }

 private:
  std::size_t columns_;
  std::string text_;
};

/// Folded away until a reader opens it.
std::string folded(const std::string& summary, const std::string& body);

/// Rows for machines of a kind (nodes or devices), with a row before each group; `cells` follow name and evidence.
void add_machines(Table& table, const Atlas& atlas, bool nodes,
                  const std::function<std::vector<std::string>(const Machine&, const MachineResult&)>& cells);
/// The first two cells of each row: the name with a link to its file, and how it is known: "1752 rows", "as h100",
/// "facts".
std::vector<std::string> machine_cells(const Atlas& atlas, const Machine& machine);
/// Bold where measured on this machine, plain where on its like, slanted where from facts alone.
std::string emphasis(Known known, const std::string& text);
std::string_view mark(Verdict verdict);
std::string percent(double share);
/// A share of zeros from which on something pays: "62 %", "any" for the least that is asked.
std::string share_text(double share);
std::string times(double factor);
/// The largest term of what was lost, as people read it; empty where nothing was.
std::string largest_loss(const Cell& cell);

/// What one machine's matrix unit, memory and calls come to.
struct Balance {
  double matrix = 0;      // FLOP/s in the machine's first type, sustained
  double memory = 0;      // B/s
  double call = 0;        // s, one call in a graph
  double call_bytes = 0;  // that DRAM moves meanwhile
  double rows = 0;        // of a dense product until arithmetic binds, not weights
};
Balance balance_of(const Machine& machine);

std::string map_section(const Atlas& atlas);
std::string weights_section(const Atlas& atlas);
std::string units_section(const Atlas& atlas);
std::string generations_section(const Atlas& atlas);
std::string nodes_section(const Atlas& atlas);
std::string granules_section(const Atlas& atlas);

}  // namespace sparsesim::atlas
