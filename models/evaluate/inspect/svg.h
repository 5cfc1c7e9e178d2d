#pragma once
// Scalable pictures as text: rectangles, lines, words, and cells of a grid in few bytes.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sparsesim {

struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};

/// A run of cells of one row of a grid.
struct CellRun {
  std::int64_t row = 0, column = 0, length = 1;
};

/// Collects elements; str() closes the picture. Numbers are written with at most two digits behind the point.
class Svg {
 public:
  Svg(double width, double height, std::string_view title);

  void rect(const Box& box, std::string_view fill, std::string_view more = {});
  void line(double x1, double y1, double x2, double y2, std::string_view stroke, double width);
  /// `more`: further attributes, as "text-anchor='end'".
  void text(double x, double y, double size, std::string_view words, std::string_view fill, std::string_view more = {});
  /// Bold words with small ones behind them.
  void heading(double x, double y, std::string_view words, std::string_view small);
  /// Cells of a grid of rows x columns that fills the box.
  void cells(const Box& box, std::int64_t rows, std::int64_t columns, const std::vector<CellRun>& runs,
             std::string_view fill);
  std::string str() &&;

 private:
  std::string out_;
};

/// Text for an element: markup is escaped, control characters become blanks, bytes that are no UTF-8 become '?'.
std::string svg_text(std::string_view text);

}  // namespace sparsesim
