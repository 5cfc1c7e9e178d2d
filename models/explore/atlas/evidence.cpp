#include "models/explore/atlas/evidence.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <set>

#include "sim/config/node.h"

namespace sparsesim::atlas {
namespace {

constexpr std::string_view kHeader = "| operation | pattern | device | rows |";
constexpr std::size_t kColumns = 11, kLineMost = 4096;

/// "| a | b |" as cells without blanks around them.
std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  for (std::size_t at = line.find('|'); at != std::string_view::npos;) {
    const std::size_t end = line.find('|', at + 1);
    if (end == std::string_view::npos) break;
    std::string_view cell = line.substr(at + 1, end - at - 1);
    while (!cell.empty() && cell.front() == ' ') cell.remove_prefix(1);
    while (!cell.empty() && cell.back() == ' ') cell.remove_suffix(1);
    cells.emplace_back(cell);
    at = end;
  }
  return cells;
}

template <class Number>
std::optional<Number> number_of(const std::string& text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && at == end ? std::optional(number) : std::nullopt;
}

[[noreturn]] void refuse_page(const std::string& path, int line, const std::string& what) {
  throw config::ConfigError(config::Mistake{{path, line, line > 0 ? 1 : 0}, what, "sparsesim validate --accuracy", {}});
}

bool listed(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Evidence Evidence::read(const std::string& path) {
  Evidence evidence;
  if (path.empty()) return evidence;
  std::ifstream file(path);
  if (!file) refuse_page(path, 0, "cannot be read");
  int number = 0;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (!inside) {
      inside = line.starts_with(kHeader);
      continue;
    }
    if (line.starts_with("|---")) continue;
    if (!line.starts_with("|")) break;
    const auto cells = line.size() <= kLineMost ? cells_of(line) : std::vector<std::string>{};
    const auto rows = cells.size() == kColumns ? number_of<int>(cells[3]) : std::nullopt;
    if (!rows) refuse_page(path, number, "no row of the table \"Time\" of an accuracy page");
    evidence.rows_.push_back({cells[0], cells[1], cells[2], *rows, number_of<double>(cells[5]).value_or(-1)});
  }
  if (evidence.rows_.empty()) refuse_page(path, 0, "has no table of measured rows");
  return evidence;
}

std::vector<std::string> Evidence::devices() const {
  std::set<std::string> devices;
  for (const EvidenceRow& row : rows_) devices.insert(row.device);
  return {devices.begin(), devices.end()};
}

int Evidence::count(const std::vector<std::string>& devices, std::string_view op, std::string_view pattern) const {
  int count = 0;
  for (const EvidenceRow& row : rows_)
    if (row.op == op && (pattern.empty() || row.pattern == pattern) && listed(devices, row.device)) count += row.rows;
  return count;
}

}  // namespace sparsesim::atlas
