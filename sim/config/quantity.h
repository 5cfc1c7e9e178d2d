#pragma once
// The unit table and the number grammar behind parse_quantity(); private to this folder.

#include <optional>
#include <span>
#include <string_view>

#include "sim/config/reader.h"

namespace sparsesim::config {

/// value in SI = number * 10^exp10 * 2^exp2.
struct Unit {
  std::string_view name;
  int exp10 = 0;
  int exp2 = 0;
};
/// Units of a dimension, never empty; exactly the ones that messages and schemas list.
std::span<const Unit> unit_table(Dimension dimension);

/// The decimal number that a text starts with: [-]digits[.digits][e[+-]digits].
struct NumberText {
  std::string_view mantissa;  // sign, digits and point, without the exponent
  int exponent = 0;
  std::size_t length = 0;     // bytes of the text that belong to the number; 0 if there is none
  bool whole = false;         // neither point nor exponent
  bool leading_zero = false;  // "010": octal to some readers, ten to others, refused here
};
NumberText split_number(std::string_view text);
/// mantissa * 10^exponent, rounded once; nothing if it is no finite double.
std::optional<double> scaled(std::string_view mantissa, int exponent);

}  // namespace sparsesim::config
