#pragma once
// JSON Schema of the substrate language, for editors that complete and check YAML.

#include <string>

namespace sparsesim {

/// JSON Schema (draft 2020-12) of a substrate file, made from the table of visit(): same keys, units and descriptions.
/// No key is required, because a file may inherit from a base; the reader checks completeness.
std::string substrate_schema();

}  // namespace sparsesim
