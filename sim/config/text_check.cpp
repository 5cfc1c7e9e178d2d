#include "sim/config/text_check.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <utility>

#include "sim/core/utf8.h"

namespace sparsesim::config {
namespace {

enum class Kind : unsigned char { plain, structure, line_end, control, beyond_ascii };

constexpr std::array<Kind, 256> make_kinds() {
  std::array<Kind, 256> kinds{};  // plain
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (byte >= 0x80) kinds[byte] = Kind::beyond_ascii;
    if ((byte < 0x20 && byte != '\t') || byte == 0x7F) kinds[byte] = Kind::control;
  }
  for (const unsigned char byte : std::string_view(",[]{}:-?")) kinds[byte] = Kind::structure;
  for (const unsigned char byte : std::string_view("\n\r")) kinds[byte] = Kind::line_end;
  return kinds;
}
constexpr std::array<Kind, 256> kKinds = make_kinds();

char32_t decode(std::string_view sequence) {
  char32_t value = static_cast<unsigned char>(sequence[0]) & (0xFFu >> (sequence.size() + 1));
  for (const char byte : sequence.substr(1)) value = value << 6 | (static_cast<unsigned char>(byte) & 0x3F);
  return value;
}

/// What YAML takes for text, less the ends of lines that editors do not count (U+0085, U+2028, U+2029).
bool is_printable(char32_t c) {
  const bool control = c < 0xA0 || c == 0xFEFF || c == 0xFFFE || c == 0xFFFF;
  return !control && c != 0x2028 && c != 0x2029;
}

}  // namespace

int column_of(std::string_view line, std::size_t offset) {
  return static_cast<int>(code_points(line.substr(0, offset))) + 1;
}

std::optional<std::string_view> line_of(std::string_view text, int number) {
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\n' && text[at] != '\r') continue;
    if (--number == 0) return text.substr(start, at - start);
    if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') ++at;
    start = at + 1;
  }
  if (--number == 0 && start < text.size()) return text.substr(start);
  return std::nullopt;
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
  const auto refuse = [&](std::size_t at, std::string message, std::string hint, bool is_text) {
    const int column = column_of(text.substr(line_start), at - line_start);
    return TextProblem{line, column, std::move(message), std::move(hint), is_text};
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const Kind kind = kKinds[byte];
    if (kind == Kind::plain && !in_indentation) {  // most of a text
      do ++at;
      while (at < text.size() && kKinds[static_cast<unsigned char>(text[at])] == Kind::plain);
      continue;
    }
    std::size_t length = 1;
    if (kind == Kind::structure || kind == Kind::line_end) {
      if (++structure > 2 * limits.values)
        return refuse(at, fmt::format("more than {} values", limits.values), "is this the right file?", false);
    } else if (kind == Kind::control) {
      return refuse(at, fmt::format("control character 0x{:02X}", byte), "is this a text file?", false);
    } else if (kind == Kind::beyond_ascii) {
      length = static_cast<std::size_t>(utf8_length(text, at));
      if (length == 0)
        return refuse(at, fmt::format("byte 0x{:02X} is not UTF-8 text", byte), "is this a text file?", false);
      const char32_t code_point = decode(text.substr(at, length));
      if (!is_printable(code_point))
        return refuse(at, fmt::format("control character U+{:04X}", static_cast<unsigned>(code_point)),
                      "remove it, or write it as an escape in double quotes", true);
    } else if (byte == '\t' && in_indentation) {
      return refuse(at, "a tab in the indentation", "use spaces", true);
    }
    at += length;
    if (kind == Kind::line_end && (byte == '\n' || at >= text.size() || text[at] != '\n')) {
      ++line;
      line_start = at;
      in_indentation = true;
    } else if (byte != ' ') {
      in_indentation = false;
    }
  }
  return std::nullopt;
}

}  // namespace sparsesim::config
