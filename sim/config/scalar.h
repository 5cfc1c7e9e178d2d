#pragma once
// What is wrong with one scalar, in words; private to this folder.

#include "sim/config/reader.h"

namespace sparsesim::config {

/// "nothing", "a list", "a map" or the quoted text, cut to a readable length.
std::string describe_value(const Node& node);
/// "more than 0", "0 to 1", "at least 1 B", in the unit of the dimension.
std::string describe_range(Range range, Dimension dimension);
/// A value inside the range to go on with after a mistake.
double harmless(Range range);
/// "did you mean "x"? (known: ...)"; only the list where nothing is near, cut to its first names where it is long.
std::string suggest(std::string_view word, const std::vector<std::string>& known);

}  // namespace sparsesim::config
