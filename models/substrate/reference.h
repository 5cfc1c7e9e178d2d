#pragma once
// The part of docs/substrates.md that lists every number, made from the table of visit().

#include <string>

namespace sparsesim {

/// Markdown table of all keys with unit and meaning. docs/substrates.md carries it; a test compares.
std::string substrate_reference();

}  // namespace sparsesim
