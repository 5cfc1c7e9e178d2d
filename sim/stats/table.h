#pragma once
// Text tables: rows in, lines out.

#include <string>
#include <string_view>
#include <vector>

namespace sparsesim {

enum class Align { left, right };

struct TableColumn {
  std::string title;
  Align align = Align::left;
};

/// Aligned columns, two blanks apart, a line of dashes under the titles (none where every title is empty), no blanks at
/// line ends.
///
/// rows     each at most as long as `columns`; missing cells are empty, a longer row is a std::invalid_argument
/// indent   blanks in front of every line
/// Width counts code points, so accents and Greek align; line ends and other control characters in cells become blanks.
std::string format_table(const std::vector<TableColumn>& columns, const std::vector<std::vector<std::string>>& rows,
                         int indent = 0);

/// The same as a Markdown table; | in cells is escaped.
std::string markdown_table(const std::vector<TableColumn>& columns, const std::vector<std::vector<std::string>>& rows);

}  // namespace sparsesim
