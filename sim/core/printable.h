#pragma once
// Text of files that nobody vouches for, on a terminal.

#include <cstddef>
#include <string>
#include <string_view>

namespace sparsesim {

/// The text on one line and safe for a terminal: control characters (C0, DEL, C1; ends of lines are such) become
/// blanks, bytes that are no UTF-8 become '?', and what is longer than `bytes_max` is cut, with "..." behind.
std::string printable(std::string_view text, std::size_t bytes_max = std::string_view::npos);

/// The same with its lines.
std::string printable_lines(std::string_view text);

}  // namespace sparsesim
