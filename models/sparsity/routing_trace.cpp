#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "models/sparsity/routing.h"
#include "sim/config/text_check.h"

namespace sparsesim {
namespace {

/// Reads a trace line by line and counts; mistakes go to the diagnostics with their line.
class TraceReader {
 public:
  TraceReader(const std::string& file, const RoutingSize& size, config::Diagnostics& diagnostics)
      : file_(file),
        size_(size),
        diagnostics_(diagnostics),
        counts_(static_cast<std::size_t>(size.experts)),
        last_token_(counts_.size()) {}

  std::vector<std::int64_t> read(std::string_view text) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      line_ = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      ++number_;
      if (line_.ends_with('\r')) line_.remove_suffix(1);
      const bool header = number_ == 1 && !line_.empty() && std::isalpha(static_cast<unsigned char>(line_[0]));
      if (!line_.empty() && line_[0] != '#' && !header) add_token();
    }
    line_ = {};
    if (tokens_ != size_.tokens)
      diagnostics_.add({file_, std::max(1, number_), 1},
                       fmt::format("the trace has {} tokens, the layer {}", tokens_, size_.tokens));
    return std::move(counts_);
  }

 private:
  void mistake(std::size_t offset, const std::string& message) {
    diagnostics_.add({file_, number_, config::column_of(line_, offset)}, message, {}, line_);
  }

  void add_token() {
    ++tokens_;
    std::int64_t chosen = -1;  // the first number is the token's own name: only its presence matters
    for (std::size_t begin = 0; begin <= line_.size(); ++chosen) {
      const std::size_t end = std::min(line_.find(',', begin), line_.size());
      const std::int64_t value = number(begin, end);
      if (value < 0) return;
      if (chosen >= 0 && !count(begin, value)) return;
      begin = end + 1;
    }
    if (chosen != size_.top_k) mistake(0, fmt::format("{} experts for a token, top_k is {}", chosen, size_.top_k));
  }

  bool count(std::size_t offset, std::int64_t expert) {
    if (expert >= size_.experts) {
      mistake(offset, fmt::format("expert {} of a layer with {} (counted from 0)", expert, size_.experts));
      return false;
    }
    const auto index = static_cast<std::size_t>(expert);
    if (last_token_[index] == tokens_) {
      mistake(offset, fmt::format("expert {} twice for one token", expert));
      return false;
    }
    last_token_[index] = tokens_;
    ++counts_[index];
    return true;
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
  const RoutingSize size_;
  config::Diagnostics& diagnostics_;
  std::vector<std::int64_t> counts_;
  std::vector<std::int64_t> last_token_;  // that chose the expert, counted from 1
  std::string_view line_;
  int number_ = 0;  // of the line, from 1
  std::int64_t tokens_ = 0;
};

}  // namespace

std::vector<std::int64_t> parse_routing_trace(std::string_view text, const std::string& name, const RoutingSize& size,
                                              config::Diagnostics& diagnostics) {
  return TraceReader(name, size, diagnostics).read(text);
}

std::vector<std::int64_t> read_routing_trace(const std::string& path, const RoutingSize& size,
                                             config::Diagnostics& diagnostics) {
  return parse_routing_trace(config::read_text_file(path, kMostTraceBytes, diagnostics), path, size, diagnostics);
}

}  // namespace sparsesim
