// Any text is either a table or a CsvError with a place; a table that is written reads back to the same fields.

#include <cstdlib>
#include <string>

#include "sim/stats/csv.h"

using namespace sparsesim;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const CsvTable table = parse_csv(std::string_view(reinterpret_cast<const char*>(data), size));
    std::string text = csv_line(table.header);
    for (const CsvRow& row : table.rows) {
      if (row.size() != table.header.size()) std::abort();
      std::vector<std::string> fields;
      for (const CsvField& field : row) fields.push_back(field.text);
      text += csv_line(fields);
    }
    const CsvTable again = parse_csv(text);
    if (again.header != table.header || again.rows.size() != table.rows.size()) std::abort();
    for (std::size_t r = 0; r < table.rows.size(); ++r)
      for (std::size_t c = 0; c < table.header.size(); ++c)
        if (again.rows[r][c].text != table.rows[r][c].text) std::abort();
  } catch (const CsvError& error) {
    if (error.line < 1 || error.column < 1) std::abort();
  }
  return 0;
}
