#include "models/evaluate/inspect/svg.h"

#include <fmt/format.h>

#include "sim/core/utf8.h"

namespace sparsesim {
namespace {

std::string number(double value) {
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

}  // namespace

std::string svg_text(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const int length = utf8_length(text, at);
    const char c = text[at];
    if (c == '&' || c == '<' || c == '>')
      out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;";
    else if (length == 0)
      out += '?';
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      out += ' ';
    else
      out += text.substr(at, static_cast<std::size_t>(length));
    at += static_cast<std::size_t>(length == 0 ? 1 : length);
  }
  return out;
}

Svg::Svg(double width, double height, std::string_view title) {
  out_ = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' width='{0}' height='{1}' viewBox='0 0 {0} {1}' "
      "font-family='Helvetica, Arial, sans-serif'>\n<title>{2}</title>\n",
      number(width), number(height), svg_text(title));
  rect({0, 0, width, height}, "#ffffff");
}

void Svg::rect(const Box& box, std::string_view fill, std::string_view more) {
  out_ += fmt::format("<rect x='{}' y='{}' width='{}' height='{}' fill='{}'{}{}/>\n", number(box.x), number(box.y),
                      number(box.width), number(box.height), fill, more.empty() ? "" : " ", more);
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view stroke, double width) {
  out_ += fmt::format("<path d='M{} {}L{} {}' stroke='{}' stroke-width='{}'/>\n", number(x1), number(y1), number(x2),
                      number(y2), stroke, number(width));
}

void Svg::text(double x, double y, double size, std::string_view words, std::string_view fill, std::string_view more) {
  out_ += fmt::format("<text x='{}' y='{}' font-size='{}' fill='{}'{}{}>{}</text>\n", number(x), number(y),
                      number(size), fill, more.empty() ? "" : " ", more, svg_text(words));
}

void Svg::heading(double x, double y, std::string_view words, std::string_view small) {
  out_ += fmt::format(
      "<text x='{}' y='{}' font-size='14' font-weight='bold' fill='#1f2933'>{}<tspan dx='10' font-size='12' "
      "font-weight='normal' fill='#66727f'>{}</tspan></text>\n",
      number(x), number(y), svg_text(words), svg_text(small));
}

void Svg::cells(const Box& box, std::int64_t rows, std::int64_t columns, const std::vector<CellRun>& runs,
                std::string_view fill) {
  if (runs.empty()) return;
  // Strokes one cell wide along the middle of each row, a little wider so that no gap shows between rows.
  constexpr double kOverlap = 0.25;  // of a pixel
  const double across = box.width / static_cast<double>(columns), down = box.height / static_cast<double>(rows);
  out_ += fmt::format(
      "<path transform='translate({} {})scale({:.5g} {:.5g})' stroke='{}' stroke-width='{:.4g}' fill='none' d='",
      number(box.x), number(box.y + down / 2), across, down, fill, 1 + kOverlap / down);
  for (const CellRun& run : runs) out_ += fmt::format("M{} {}h{}", run.column, run.row, run.length);
  out_ += "'/>\n";
}

std::string Svg::str() && { return std::move(out_) + "</svg>\n"; }

}  // namespace sparsesim
