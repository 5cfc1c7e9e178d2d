#include "sim/config/text_check.h"

#include <fmt/format.h>

#include <cstdint>

#include "sim/core/utf8.h"

namespace sparsesim::config {
namespace {

bool is_control(unsigned char byte) {
  return (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F;
}

bool is_structure(char c) {
  switch (c) {
    case ',':
    case '[':
    case ']':
    case '{':
    case '}':
    case ':':
    case '-':
    case '?':
    case '\n':
    case '\r':
      return true;
    default:
      return false;
  }
}

}  // namespace

int column_of(std::string_view line, std::size_t offset) {
  return static_cast<int>(code_points(line.substr(0, offset))) + 1;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\n' && text[at] != '\r') continue;
    lines.emplace_back(text.substr(start, at - start));
    if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') ++at;
    start = at + 1;
  }
  if (start < text.size()) lines.emplace_back(text.substr(start));
  return lines;
}

std::optional<TextProblem> check_text(std::string_view text, const Limits& limits) {
  if (static_cast<std::int64_t>(text.size()) > limits.file_bytes) {
    return TextProblem{0, 0, fmt::format("larger than {} bytes", limits.file_bytes), "is this the right file?", false};
  }
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return TextProblem{0, 0, "UTF-16 text; only UTF-8 is read", "save it as UTF-8", false};
  }
  int line = 1;
  std::size_t line_start = 0;
  bool in_indentation = true;
  std::int64_t structure = 0;
  const auto here = [&](std::size_t at) { return column_of(text.substr(line_start), at - line_start); };
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const int length = utf8_length(text, at);
    if (length == 0) {
      return TextProblem{line, here(at), fmt::format("byte 0x{:02X} is not UTF-8 text", static_cast<unsigned char>(c)),
                         "is this a text file?", false};
    }
    if (is_control(static_cast<unsigned char>(c))) {
      return TextProblem{line, here(at), fmt::format("control character 0x{:02X}", static_cast<unsigned char>(c)),
                         "is this a text file?", false};
    }
    if (c == '\t' && in_indentation) return TextProblem{line, here(at), "a tab in the indentation", "use spaces", true};
    if (is_structure(c) && ++structure > 2 * limits.values) {
      return TextProblem{line, here(at), fmt::format("more than {} values", limits.values), "is this the right file?",
                         false};
    }
    if (c == '\n' || (c == '\r' && (at + 1 >= text.size() || text[at + 1] != '\n'))) {
      ++line;
      line_start = at + 1;
      in_indentation = true;
    } else if (c != ' ') {
      in_indentation = false;
    }
    at += static_cast<std::size_t>(length);
  }
  return std::nullopt;
}

}  // namespace sparsesim::config
