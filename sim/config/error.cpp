// How mistakes are collected and what they look like.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "sim/config/node.h"
#include "sim/core/utf8.h"

namespace sparsesim::config {
namespace {

constexpr std::size_t message_bytes_max = 1000;  // a scalar of a hostile file may be megabytes long
constexpr std::size_t excerpt_columns_max = 110;

/// Text safe for a terminal: control characters become spaces, bytes that are no UTF-8 become '?', the rest is cut.
std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (out.size() >= bytes_max) return out + "...";
    const int length = utf8_length(text, at);
    const auto byte = static_cast<unsigned char>(text[at]);
    if (length == 0 || byte < 0x20 || byte == 0x7F) {
      out += length == 0 ? '?' : ' ';
      ++at;
    } else {
      out += text.substr(at, static_cast<std::size_t>(length));
      at += static_cast<std::size_t>(length);
    }
  }
  return out;
}

/// The part of a source line to show and the column of the caret in it; long lines are cut around the caret.
std::pair<std::string, int> window(const std::string& line, int column) {
  const std::string text = printable(line, std::string::npos);
  std::vector<std::size_t> starts;  // byte offset of each code point
  for (std::size_t at = 0; at < text.size(); at += static_cast<std::size_t>(utf8_length(text, at)))
    starts.push_back(at);
  if (starts.size() <= excerpt_columns_max) return {text, column};
  const std::size_t caret = static_cast<std::size_t>(std::max(column - 1, 0));
  const std::size_t first =
      caret > excerpt_columns_max / 2 ? std::min(caret, starts.size()) - excerpt_columns_max / 2 : 0;
  const std::size_t last = std::min(first + excerpt_columns_max, starts.size());
  const std::size_t end = last == starts.size() ? text.size() : starts[last];
  std::string cut = text.substr(starts[first], end - starts[first]);
  if (first > 0) cut = "..." + cut;
  if (last < starts.size()) cut += "...";
  return {cut, column - static_cast<int>(first) + (first > 0 ? 3 : 0)};
}

std::string describe(const Mistake& mistake) {
  const Position& at = mistake.position;
  std::string place = at.file;
  if (at.line > 0) place += fmt::format(":{}:{}", at.line, at.column);
  std::string text = fmt::format("{}: error: {}\n", printable(place, message_bytes_max), mistake.message);
  if (at.line <= 0 || mistake.excerpt.empty()) {
    return mistake.hint.empty() ? text : text + fmt::format("  {}\n", mistake.hint);
  }
  const auto [excerpt, caret] = window(mistake.excerpt, at.column);
  text += fmt::format("{:5} | {}\n", at.line, excerpt);
  text += fmt::format("      | {:>{}}{}{}\n", "^", std::max(caret, 1), mistake.hint.empty() ? "" : " ", mistake.hint);
  return text;
}

}  // namespace

ConfigError::ConfigError(std::vector<Mistake> mistakes) : mistakes_(std::move(mistakes)) {
  for (const Mistake& mistake : mistakes_) text_ += describe(mistake);
  if (!text_.empty()) text_.pop_back();  // the last newline belongs to whoever prints
}

std::string ConfigError::brief() const {
  if (mistakes_.empty()) return {};
  const Mistake& first = mistakes_.front();
  return first.position.line > 0 ? fmt::format("line {}: {}", first.position.line, first.message) : first.message;
}

void Diagnostics::add(Position position, std::string message, std::string hint, std::string_view excerpt) {
  if (static_cast<std::int64_t>(mistakes_.size()) >= most_kept) {
    ++dropped_;
    return;
  }
  Mistake mistake{std::move(position), printable(message, message_bytes_max), printable(hint, message_bytes_max),
                  std::string(excerpt)};
  for (const auto& [file, lines] : sources_) {
    const auto line = static_cast<std::size_t>(mistake.position.line);
    if (file == mistake.position.file && line >= 1 && line <= lines->size()) mistake.excerpt = (*lines)[line - 1];
  }
  mistakes_.push_back(std::move(mistake));
}

void Diagnostics::throw_if_any() const {
  if (mistakes_.empty()) return;
  std::map<std::string, std::size_t> order;  // files in the order of their first mistake
  for (const Mistake& mistake : mistakes_) order.emplace(mistake.position.file, order.size());
  std::vector<Mistake> sorted = mistakes_;
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Mistake& a, const Mistake& b) {
    const auto key = [&](const Mistake& m) {
      return std::tuple(order.at(m.position.file), m.position.line, m.position.column);
    };
    return key(a) < key(b);
  });
  if (dropped_ > 0) {
    sorted.push_back({Position{sorted.back().position.file, 0, 0}, fmt::format("{} more mistakes", dropped_), {}, {}});
  }
  throw ConfigError(std::move(sorted));
}

void Diagnostics::remember_source(const std::string& file, std::shared_ptr<const std::vector<std::string>> lines) {
  for (auto& [name, known] : sources_) {
    if (name == file) {
      known = std::move(lines);
      return;
    }
  }
  sources_.emplace_back(file, std::move(lines));
}

}  // namespace sparsesim::config
