#pragma once
// UTF-8, as far as readers and printers need it.

#include <cstddef>
#include <string_view>

namespace sparsesim {

/// Bytes of the well-formed UTF-8 sequence that starts at text[at]; 0 if there is none (overlong, surrogate, cut off).
inline int utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4 || !continues(1)) return 0;
  if (lead < 0xE0) return 2;
  if (!continues(2)) return 0;
  if (lead < 0xF0) {
    const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = lead == 0xED && byte(1) >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  const bool out_of_range = (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) >= 0x90);
  return out_of_range || !continues(3) ? 0 : 4;
}

/// Code points of a text; every byte outside a well-formed sequence counts as one.
inline std::size_t code_points(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    const int length = utf8_length(text, at);
    at += length == 0 ? 1 : static_cast<std::size_t>(length);
  }
  return count;
}

}  // namespace sparsesim
