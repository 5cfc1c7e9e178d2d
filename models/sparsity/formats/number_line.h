#pragma once
// Numbers of a text file, line by line, with the place of every mistake.

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/config/node.h"

namespace sparsesim {

/// Walks one line of numbers that blanks, tabs and commas separate.
class NumberLine {
 public:
  NumberLine(std::string_view text, int line, const std::string& file, config::Diagnostics& diagnostics)
      : text_(text), line_(line), file_(file), diagnostics_(diagnostics) {}

  /// The next whole number within least..most; -1 after a mistake or at the end of the line (least >= 0).
  std::int64_t next(std::int64_t least, std::int64_t most, const char* what);
  /// Skips a real number. False after a mistake or at the end of the line. `value` is set to what was read.
  bool skip_real(const char* what, double& value);
  /// Reports at the number read last (at the end of the line where next() found none).
  void mistake(const std::string& message);
  /// Reports what is left of the line.
  void finish(const char* message);
  /// Whether nothing but separators is left.
  bool at_end();

 private:
  void skip();
  bool ends_number(std::size_t place) const;

  std::string_view text_;
  std::size_t at_ = 0, last_ = 0;  // where to go on; where the last number begins
  int line_;
  const std::string& file_;
  config::Diagnostics& diagnostics_;
};

/// Takes the first line off `text`, its line end (\n or \r\n) dropped.
std::string_view take_line(std::string_view& text);

}  // namespace sparsesim
