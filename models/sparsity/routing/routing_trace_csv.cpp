#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "models/sparsity/routing/route_counter.h"
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

/// Reads a trace line by line and counts; mistakes go to the diagnostics with their line.
class CsvReader {
 public:
  CsvReader(const std::string& file, const RoutingSize& size, const TracePart& part, config::Diagnostics& diagnostics)
      : file_(file), part_(part), diagnostics_(diagnostics), counter_(size) {}

  std::vector<std::int64_t> read(std::string_view text) {
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
    if (const std::string problem = counter_.trace_problem(); !problem.empty())
      diagnostics_.add({file_, std::max(1, number_), 1}, problem);
    return counter_.take();
  }

 private:
  bool mistake(std::size_t offset, const std::string& message) {
    if (!message.empty()) diagnostics_.add({file_, number_, config::column_of(line_, offset)}, message, {}, line_);
    return message.empty();
  }

  void add_line() {
    std::size_t begin = 0;
    for (int label = 0; label < columns_.labels; ++label) {
      const std::size_t end = std::min(line_.find(',', begin), line_.size());
      const std::int64_t value = number(begin, end);
      if (value < 0) return;
      if (label == columns_.layer && !belongs(begin, value, part_.layer, layer_, "trace_layer")) return;
      if (label == columns_.step && !belongs(begin, value, part_.step, step_, "trace_step")) return;
      if (end == line_.size()) {
        mistake(0, "a line without experts");
        return;
      }
      begin = end + 1;
    }
    add_experts(begin);
  }

  void add_experts(std::size_t begin) {
    if (!columns_.one_choice) counter_.next_token();
    while (begin <= line_.size()) {
      const std::size_t end = std::min(line_.find(',', begin), line_.size());
      const std::int64_t expert = number(begin, end);
      if (expert < 0) return;
      if (!mistake(begin, columns_.one_choice ? counter_.add(expert, 1) : counter_.choose(expert))) return;
      begin = end + 1;
    }
    if (!columns_.one_choice) mistake(0, counter_.token_problem());
  }

  /// Whether a line of that layer or step counts. Where none is asked for, all must be of the first one's.
  bool belongs(std::size_t offset, std::int64_t value, std::int64_t wanted, std::int64_t& seen, const char* key) {
    if (wanted >= 0) return value == wanted;
    if (seen < 0) seen = value;
    if (seen == value) return true;
    if (!told_) mistake(offset, fmt::format("{} here, {} before: {} says which counts", value, seen, key));
    told_ = true;
    return false;
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
  const TracePart part_;
  config::Diagnostics& diagnostics_;
  RouteCounter counter_;
  Columns columns_;
  std::string_view line_;
  int number_ = 0;  // of the line, from 1
  std::int64_t layer_ = -1, step_ = -1;
  bool told_ = false;
};

}  // namespace

std::vector<std::int64_t> parse_trace_csv(std::string_view text, const std::string& name, const RoutingSize& size,
                                          const TracePart& part, config::Diagnostics& diagnostics) {
  return CsvReader(name, size, part, diagnostics).read(text);
}

}  // namespace sparsesim
