#pragma once
// Parts of the JSON object that the page of a report reads, too: one set of keys (docs/measurements.md).

#include <nlohmann/json.hpp>
#include <optional>

#include "validate/compare/baseline.h"

namespace sparsesim {

/// A number, or null where there is none.
nlohmann::ordered_json number_or_null(std::optional<double> value);

/// The object `changes`: what became better and worse against an earlier run.
nlohmann::ordered_json changes_json(const Changes& changes);

}  // namespace sparsesim
