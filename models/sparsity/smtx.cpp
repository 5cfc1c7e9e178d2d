// The .smtx files of the Deep Learning Matrix Collection.

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "models/sparsity/row_counts.h"
#include "sim/config/text_check.h"

namespace sparsesim {
namespace {

/// Walks one line of numbers that blanks and commas separate.
class NumberLine {
 public:
  NumberLine(std::string_view text, int line, const std::string& file, config::Diagnostics& diagnostics)
      : text_(text), line_(line), file_(file), diagnostics_(diagnostics) {}

  /// The next number, at most `most`; -1 after a mistake or at the end of the line.
  std::int64_t next(std::int64_t most, const char* what) {
    skip();
    if (at_ == text_.size()) return mistake(fmt::format("the line ends before its {}", what));
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    const auto end = static_cast<std::size_t>(stop - text_.data());
    const bool whole = end == text_.size() || text_[end] == ' ' || text_[end] == ',';
    if (error != std::errc() || !whole) return mistake(fmt::format("expected a number ({})", what));
    if (value < 0 || value > most) return mistake(fmt::format("{} {} is not within 0..{}", what, value, most));
    at_ = end;
    return value;
  }
  std::int64_t mistake(const std::string& message) {
    diagnostics_.add({file_, line_, config::column_of(text_, at_)}, message);
    return -1;
  }
  void finish() {
    skip();
    if (at_ != text_.size()) mistake("more numbers than the first line says");
  }

 private:
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == ',')) ++at_;
  }
  std::string_view text_;
  std::size_t at_ = 0;
  int line_;
  const std::string& file_;
  config::Diagnostics& diagnostics_;
};

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

RowCounts read_smtx(std::string_view text, const std::string& file, config::Diagnostics& diagnostics) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const auto length = static_cast<std::int64_t>(text.size());
  NumberLine header(take_line(text), 1, file, diagnostics);
  const std::int64_t rows = header.next(kMost, "number of rows");
  const std::int64_t columns = rows < 0 ? -1 : header.next(kMost, "number of columns");
  const std::int64_t stored = columns < 0 ? -1 : header.next(kMost, "number of nonzeros");
  if (stored < 0) return {};
  header.finish();
  if (rows + stored > length) {  // a number takes a character at least
    header.mistake(fmt::format("{} rows and {} nonzeros do not fit into {} bytes", rows, stored, length));
    return {};
  }
  RowCounts counts{std::vector<std::int32_t>(static_cast<std::size_t>(rows)), columns};
  NumberLine offsets(take_line(text), 2, file, diagnostics);
  std::int64_t before = offsets.next(0, "first row offset");
  for (std::int32_t& units : counts.units) {
    const std::int64_t offset = before < 0 ? -1 : offsets.next(stored, "row offset");
    if (offset < 0) return {};
    if (offset < before || offset - before > columns) {
      offsets.mistake(fmt::format("a row of {} nonzeros in {} columns", offset - before, columns));
      return {};
    }
    units = static_cast<std::int32_t>(offset - before);
    before = offset;
  }
  offsets.finish();
  if (before != stored)
    offsets.mistake(fmt::format("the rows hold {} nonzeros, the first line says {}", before, stored));
  NumberLine indices(take_line(text), 3, file, diagnostics);
  for (std::int64_t i = 0; i < stored; ++i)
    if (indices.next(columns - 1, "column index") < 0) return {};
  indices.finish();
  return diagnostics.empty() ? counts : RowCounts{};
}

}  // namespace sparsesim
