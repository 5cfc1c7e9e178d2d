// How mistakes are collected and what they look like.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "sim/config/node.h"
#include "sim/config/text_check.h"
#include "sim/core/printable.h"
#include "sim/core/utf8.h"

namespace sparsesim::config {
namespace {

constexpr std::size_t message_bytes_max = 1000;  // a scalar of a hostile file may be megabytes long
constexpr std::size_t excerpt_columns_max = 110;

/// The byte where the code point `count` behind the byte `at` begins, or the end.
std::size_t advance(std::string_view text, std::size_t at, std::size_t count) {
  for (; count > 0 && at < text.size(); --count) at += static_cast<std::size_t>(std::max(1, utf8_length(text, at)));
  return at;
}

/// The part of a source line to show and the column of the caret in it; long lines are cut around the caret.
std::pair<std::string, int> window(std::string_view line, int column) {
  const auto caret = static_cast<std::size_t>(std::max(column - 1, 0));
  const std::size_t kept = excerpt_columns_max / 2;
  const bool is_long = advance(line, 0, excerpt_columns_max) < line.size();
  const std::size_t skipped = is_long && caret > kept ? caret - kept : 0;
  const std::size_t begin = advance(line, 0, skipped);
  const std::size_t end = advance(line, begin, excerpt_columns_max);
  std::string cut = printable(line.substr(begin, end - begin));
  if (begin > 0) cut = "..." + cut;
  if (end < line.size()) cut += "...";
  return {cut, column - static_cast<int>(skipped) + (begin > 0 ? 3 : 0)};
}

std::string describe(const Mistake& mistake) {
  const Position& at = mistake.position;
  std::string place = at.file;
  if (at.line > 0) place += fmt::format(":{}:{}", at.line, at.column);
  std::string text = fmt::format("{}: error: {}\n", printable(place, message_bytes_max), mistake.message);
  if (at.line <= 0 || mistake.excerpt.empty()) {
    return mistake.hint.empty() ? text : text + fmt::format("  {}\n", mistake.hint);
  }
  text += fmt::format("{:5} | {}\n", at.line, mistake.excerpt);
  text += fmt::format("      | {:>{}}{}{}\n", "^", std::max(mistake.caret, 1), mistake.hint.empty() ? "" : " ",
                      mistake.hint);
  return text;
}

}  // namespace

ConfigError::ConfigError(std::vector<Mistake> mistakes) : mistakes_(std::move(mistakes)) {
  for (Mistake& mistake : mistakes_) {
    mistake.message = printable(mistake.message);
    mistake.hint = printable(mistake.hint);
    text_ += describe(mistake);
  }
  if (!text_.empty()) text_.pop_back();  // the last newline belongs to whoever prints
}

std::string ConfigError::brief() const {
  if (mistakes_.empty()) return {};
  const Mistake& first = mistakes_.front();
  return first.position.line > 0 ? fmt::format("line {}: {}", first.position.line, first.message) : first.message;
}

void Diagnostics::add(Position position, std::string message, std::string hint, std::string_view line) {
  if (full()) {
    ++dropped_;
    return;
  }
  for (const auto& [file, text] : sources_)
    if (file == position.file && position.line >= 1) line = line_of(*text, position.line).value_or(line);
  Mistake mistake{std::move(position), printable(message, message_bytes_max), printable(hint, message_bytes_max), {}};
  std::tie(mistake.excerpt, mistake.caret) = window(line, mistake.position.column);
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

void Diagnostics::remember_source(const std::string& file, std::shared_ptr<const std::string> text) {
  for (auto& [name, known] : sources_) {
    if (name == file) {
      known = std::move(text);
      return;
    }
  }
  sources_.emplace_back(file, std::move(text));
}

}  // namespace sparsesim::config
