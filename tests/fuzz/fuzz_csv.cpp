// Any text is rows or mistakes with a place; rows without a mistake are written so that they read back to the same
// fields.

#include <cstdlib>
#include <string>

#include "sim/stats/csv.h"

using namespace sparsesim;

namespace {

using Rows = std::vector<std::vector<std::string>>;

Rows read(std::string_view text, bool& sound) {
  const auto report = [&](int line, int column, const std::string&, const std::string&) {
    sound = false;
    if (line < 1 || column < 1) std::abort();
  };
  CsvReader reader(text, report);
  Rows rows;
  for (CsvRow row; reader.next(row);) {
    if (row.empty()) std::abort();
    rows.emplace_back();
    for (CsvField& field : row) rows.back().push_back(std::move(field.text));
  }
  return rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bool sound = true;
  const Rows rows = read(std::string_view(reinterpret_cast<const char*>(data), size), sound);
  if (!sound) return 0;
  std::string text;
  for (const auto& row : rows) text += csv_line(row);
  if (read(text, sound) != rows || !sound) std::abort();
  return 0;
}
