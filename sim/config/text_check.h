#pragma once
// Cheap checks of a text before a parser sees it: what cannot be YAML of reasonable size is refused here.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/node.h"

namespace sparsesim::config {

/// A reason to refuse a text, and where. `line` 0 means the text as a whole.
struct TextProblem {
  int line = 0;
  int column = 0;
  std::string message;
  std::string hint;
  bool is_text = false;  // worth quoting the line
};

/// 1-based column in code points of the byte `offset` of `line`.
int column_of(std::string_view line, std::size_t offset);
/// Line `number`, from 1, of a text whose lines end with \n, \r\n or \r, without that end; nothing behind the last one.
std::optional<std::string_view> line_of(std::string_view text, int number);

/// The first reason why `text` is refused: larger than the limit, not UTF-8, control characters, tabs in the
/// indentation, more commas, brackets, colons, dashes and lines than twice the limit on values.
///
/// The parser keeps every token of an open bracket in memory before it reports the first one, so the count bounds its
/// memory (about 200 B per token); depth is bounded later, event by event.
std::optional<TextProblem> check_text(std::string_view text, const Limits& limits);

}  // namespace sparsesim::config
