#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "models/sparsity/routing.h"

namespace sparsesim {
namespace {

constexpr std::uintmax_t kMostBytes = std::uintmax_t{64} << 20;

/// Numbers of one line, with the place of each for messages.
class Line {
 public:
  Line(const std::string& file, std::int64_t number, std::string_view text)
      : file_(file), number_(number), text_(text) {}

  [[noreturn]] void fail(std::size_t column, const std::string& message) const {
    throw RoutingError(fmt::format("{}:{}:{}: error: {}", file_, number_, column + 1, message));
  }
  bool done() const { return next_ > text_.size(); }
  std::size_t column() const { return start_; }
  std::int64_t read() {
    const auto comma = std::min(text_.find(',', next_), text_.size());
    start_ = next_;
    std::size_t end = comma;
    while (start_ < end && (text_[start_] == ' ' || text_[start_] == '\t')) ++start_;
    while (end > start_ && (text_[end - 1] == ' ' || text_[end - 1] == '\t')) --end;
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(text_.data() + start_, text_.data() + end, value);
    if (error != std::errc() || stop != text_.data() + end || value < 0)
      fail(start_, fmt::format("\"{}\" is not a number of 0 or more", text_.substr(start_, end - start_)));
    next_ = comma + 1;
    return value;
  }

 private:
  const std::string& file_;
  std::int64_t number_;
  std::string_view text_;
  std::size_t next_ = 0, start_ = 0;
};

void add_token(Line line, const RoutingSize& size, std::vector<std::int64_t>& counts) {
  line.read();  // the token's own name: only its presence matters
  std::vector<std::int64_t> seen;
  while (!line.done()) {
    const std::int64_t expert = line.read();
    if (expert >= size.experts)
      line.fail(line.column(), fmt::format("expert {} of a layer with {} (counted from 0)", expert, size.experts));
    if (std::find(seen.begin(), seen.end(), expert) != seen.end())
      line.fail(line.column(), fmt::format("expert {} twice for one token", expert));
    seen.push_back(expert);
    ++counts[static_cast<std::size_t>(expert)];
  }
  if (static_cast<std::int64_t>(seen.size()) != size.top_k)
    line.fail(line.column(), fmt::format("{} experts for a token, top_k is {}", seen.size(), size.top_k));
}

}  // namespace

std::vector<std::int64_t> read_routing_trace(const std::string& path, const RoutingSize& size) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) throw RoutingError(path + ": error: no such file");
  if (std::filesystem::file_size(path, error) > kMostBytes || error)
    throw RoutingError(path + ": error: a routing trace may have 64 MiB at most");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw RoutingError(path + ": error: cannot be read");
  std::vector<std::int64_t> counts(static_cast<std::size_t>(size.experts));
  std::int64_t number = 0, tokens = 0;
  for (std::string text; std::getline(file, text);) {
    ++number;
    if (!text.empty() && text.back() == '\r') text.pop_back();
    if (text.empty() || text[0] == '#') continue;
    const bool word = (text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z');
    if (word && tokens == 0 && number == 1) continue;
    if (++tokens > size.tokens)
      throw RoutingError(fmt::format("{}:{}:1: error: more tokens than the layer's {}", path, number, size.tokens));
    add_token(Line(path, number, text), size, counts);
  }
  if (tokens != size.tokens)
    throw RoutingError(
        fmt::format("{}:{}:1: error: the trace ends after {} of {} tokens", path, number, tokens, size.tokens));
  return counts;
}

}  // namespace sparsesim
