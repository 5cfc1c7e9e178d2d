#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "models/sparsity/routing/routing_trace.h"
#include "sim/config/text_check.h"

namespace sparsesim {
namespace {

std::string_view without_spaces(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// What the columns before the experts say. Without a header there is one, the token's own name.
struct Columns {
  int labels = 1;
  int layer = -1, step = -1;  // their columns, or -1
  bool one_choice = false;    // a line is one choice, not a token
};

Columns read_header(std::string_view line) {
  Columns columns{0, -1, -1, false};
  std::string_view last;
  int names = 0;
  for (std::size_t begin = 0; begin <= line.size(); ++names) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    last = without_spaces(line.substr(begin, end - begin));
    const bool label = last == "token" || last == "layer" || last == "step" || last == "rank";
    if (label && columns.labels == names) {
      if (last == "layer") columns.layer = names;
      if (last == "step") columns.step = names;
      ++columns.labels;
    }
    begin = end + 1;
  }
  columns.one_choice = columns.layer >= 0 && names == columns.labels + 1 && last == "expert";
  columns.labels = std::max(1, columns.labels);
  return columns;
}

/// Reads a trace line by line; mistakes go to the diagnostics with their line.
class CsvReader {
 public:
  CsvReader(const std::string& file, RouteSink& sink, config::Diagnostics& diagnostics)
      : file_(file), diagnostics_(diagnostics), sink_(sink) {}

  void read(std::string_view text) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      line_ = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      ++number_;
      if (line_.ends_with('\r')) line_.remove_suffix(1);
      if (line_.empty() || line_[0] == '#') continue;
      if (number_ == 1 && std::isalpha(static_cast<unsigned char>(line_[0])) != 0)
        columns_ = read_header(line_);
      else
        add_line();
    }
    line_ = {};
    if (const std::string problem = sink_.trace_problem(); !problem.empty())
      diagnostics_.add({file_, std::max(1, number_), 1}, problem);
  }

 private:
  bool mistake(std::size_t offset, const std::string& message) {
    if (!message.empty()) diagnostics_.add({file_, number_, config::column_of(line_, offset)}, message, {}, line_);
    return message.empty();
  }

  void add_line() {
    std::size_t begin = 0, layer_at = 0, step_at = 0;
    std::int64_t layer = -1, step = -1;
    for (int label = 0; label < columns_.labels; ++label) {
      const std::size_t end = std::min(line_.find(',', begin), line_.size());
      const std::int64_t value = number(begin, end);
      if (value < 0) return;
      if (label == columns_.layer) layer = value, layer_at = begin;
      if (label == columns_.step) step = value, step_at = begin;
      if (end == line_.size()) {
        mistake(0, "a line without experts");
        return;
      }
      begin = end + 1;
    }
    const RouteSink::Entered entered = sink_.enter(layer, step);
    mistake(entered.about == RouteSink::Label::step ? step_at : layer_at, entered.problem);
    if (entered.counts) add_experts(begin);
  }

  void add_experts(std::size_t begin) {
    if (!columns_.one_choice) sink_.next_token();
    while (begin <= line_.size()) {
      const std::size_t end = std::min(line_.find(',', begin), line_.size());
      const std::int64_t expert = number(begin, end);
      if (expert < 0) return;
      if (!mistake(begin, columns_.one_choice ? sink_.add(expert, 1) : sink_.choose(expert))) return;
      begin = end + 1;
    }
    if (!columns_.one_choice) mistake(0, sink_.token_problem());
  }

  /// The number in [begin, end) of the line; -1 after a mistake.
  std::int64_t number(std::size_t begin, std::size_t end) {
    while (begin < end && line_[begin] == ' ') ++begin;
    while (end > begin && line_[end - 1] == ' ') --end;
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(line_.data() + begin, line_.data() + end, value);
    if (error == std::errc() && stop == line_.data() + end && value >= 0) return value;
    mistake(begin, fmt::format("\"{}\" is not a number of 0 or more", line_.substr(begin, end - begin)));
    return -1;
  }

  const std::string& file_;
  config::Diagnostics& diagnostics_;
  RouteSink& sink_;
  Columns columns_;
  std::string_view line_;
  int number_ = 0;  // of the line, from 1
};

}  // namespace

void read_trace_csv(std::string_view text, const std::string& name, RouteSink& sink, config::Diagnostics& diagnostics) {
  CsvReader(name, sink, diagnostics).read(text);
}

}  // namespace sparsesim
