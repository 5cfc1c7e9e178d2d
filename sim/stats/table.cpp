#include "sim/stats/table.h"

#include <algorithm>
#include <stdexcept>

#include "sim/core/printable.h"
#include "sim/core/utf8.h"

namespace sparsesim {
namespace {

using Rows = std::vector<std::vector<std::string>>;

void append_cell(std::string& line, const std::string& cell, std::size_t width, Align align) {
  const std::size_t used = code_points(cell);
  const std::string blanks(width > used ? width - used : 0, ' ');
  line += align == Align::right ? blanks + cell : cell + blanks;
}

std::string ended(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

/// Titles first, then the rows, all of the same length.
Rows complete(const std::vector<TableColumn>& columns, const Rows& rows) {
  Rows all(1);
  for (const TableColumn& column : columns) all[0].push_back(printable(column.title));
  for (const auto& row : rows) {
    if (row.size() > columns.size()) throw std::invalid_argument("a table row is longer than the list of columns");
    auto& cells = all.emplace_back();
    for (const std::string& cell : row) cells.push_back(printable(cell));
    cells.resize(columns.size());
  }
  return all;
}

}  // namespace

std::string format_table(const std::vector<TableColumn>& columns, const Rows& rows, int indent) {
  const Rows all = complete(columns, rows);
  std::vector<std::size_t> widths(columns.size(), 0);
  for (const auto& row : all)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], code_points(row[i]));
  const bool titled =
      std::any_of(all[0].begin(), all[0].end(), [](const std::string& title) { return !title.empty(); });
  const std::string margin(static_cast<std::size_t>(std::max(indent, 0)), ' ');
  std::string out;
  for (std::size_t r = titled ? 0 : 1; r < all.size(); ++r) {
    std::string line = margin;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) line += "  ";
      append_cell(line, all[r][i], widths[i], columns[i].align);
    }
    out += ended(line);
    if (r > 0) continue;
    std::string dashes = margin;
    for (std::size_t i = 0; i < columns.size(); ++i) dashes += (i > 0 ? "  " : "") + std::string(widths[i], '-');
    out += ended(dashes);
  }
  return out;
}

std::string markdown_table(const std::vector<TableColumn>& columns, const Rows& rows) {
  const Rows all = complete(columns, rows);
  std::string out;
  for (std::size_t r = 0; r < all.size(); ++r) {
    out += "|";
    for (const std::string& cell : all[r]) {
      out += " ";
      for (const char c : cell) out += c == '|' ? std::string("\\|") : std::string(1, c);
      out += " |";
    }
    out += "\n";
    if (r > 0) continue;
    out += "|";
    for (const TableColumn& column : columns) out += column.align == Align::right ? "---:|" : "---|";
    out += "\n";
  }
  return out;
}

}  // namespace sparsesim
