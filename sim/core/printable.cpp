#include "sim/core/printable.h"

#include <algorithm>

#include "sim/core/utf8.h"

namespace sparsesim {
namespace {

/// U+0000..U+001F, U+007F, and U+0080..U+009F, of two bytes.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 2) return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
  return first < 0x20 || first == 0x7F;
}

}  // namespace

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (out.size() >= bytes_max) return out + "...";
    const int length = utf8_length(text, at);
    const std::string_view character = text.substr(at, static_cast<std::size_t>(std::max(1, length)));
    if (length == 0)
      out += '?';
    else if (is_control(character))
      out += ' ';
    else
      out += character;
    at += character.size();
  }
  return out;
}

std::string printable_lines(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t end = text.find('\n');
    out += printable(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

}  // namespace sparsesim
